import type { KeyMissing } from '../../contracts/activities.ts';
import type { Db } from '../../db/pool.ts';
import type { GuardedFetch } from '../../net/network.ts';
import { clientMetadata } from '../../oauth/client-metadata.ts';
import type { AuthorizationServerMetadata } from '../../oauth/issuer-metadata.ts';
import { type RegisteredClient, registerClient } from '../../oauth/register-client.ts';
import type { Vault } from '../../vault/vault.ts';
import type { ConnectCode } from '../connect-code.ts';
import { CLIENT_NAME } from './client-id-document.ts';
import {
  findLatestRegistration,
  insertRegistration,
  markRefused,
  type RegistrationKey,
  type StoredRegistration,
} from './registration-store.ts';

export interface RegistrationDependencies {
  db: Db;
  vault: Vault;
  guardedFetch: GuardedFetch;
  publicUrl: string;
}

/** A client from the store, and which of the registrations of its key it is. */
export type DynamicClient = RegisteredClient & { generation: number };

export type DynamicClientOutcome =
  | { kind: 'client'; client: DynamicClient }
  | { kind: 'refused'; code: ConnectCode; message: string }
  | KeyMissing;

/**
 * Returns the latest client that is registered for a server and redirect URI, or registers one. Neither a lock nor a
 * connection is held during the request: of two processes that register at once, the one that stores its client later
 * uses the other's.
 *
 * @param isRefused whether a stored connection shows that the authorization server refuses this client
 * @see https://www.rfc-editor.org/rfc/rfc7591
 */
export async function findOrRegisterClient(
  deps: RegistrationDependencies,
  key: RegistrationKey,
  metadata: AuthorizationServerMetadata & { registrationEndpoint: string },
  isRefused: (client: RegisteredClient) => boolean,
): Promise<DynamicClientOutcome> {
  const latest = await findLatestRegistration(deps.db, key);
  const opened = latest && (await openClient(deps.vault, key, latest));
  if (opened?.kind === 'key-missing') return opened;
  if (latest?.isUsable && opened?.kind === 'client') {
    if (!isRefused(opened.client)) return opened;
    await markRefused(deps.db, key, latest.generation);
  }
  if (latest?.isRecent) return TOO_SOON;
  return registerNext(deps, key, metadata, (latest?.generation ?? 0) + 1);
}

// Otherwise a user could make us register clients without end, wherever one is refused or soon expires.
const TOO_SOON: DynamicClientOutcome = {
  kind: 'refused',
  code: 'registration-failed',
  message: 'the client that was registered less than 10 minutes ago is refused already, or has expired',
};

async function registerNext(
  deps: RegistrationDependencies,
  key: RegistrationKey,
  {
    registrationEndpoint,
    addressFrom,
    authMethods,
  }: AuthorizationServerMetadata & { registrationEndpoint: string },
  generation: number,
): Promise<DynamicClientOutcome> {
  const outcome = await registerClient(deps.guardedFetch, {
    registrationEndpoint,
    addressFrom,
    metadata: clientMetadata({
      clientName: CLIENT_NAME,
      clientUri: deps.publicUrl,
      redirectUris: [key.redirectUri],
      ...(authMethods !== undefined && { authMethods }),
    }),
  });
  switch (outcome.kind) {
    case 'registered': {
      const { kind: _, ...client } = outcome;
      return storeClient(deps, key, { ...client, generation });
    }
    case 'refused':
      return {
        kind: 'refused',
        code: 'registration-refused',
        message: `the authorization server refuses to register a client (${wordOf(outcome.codes) ?? outcome.status})`,
      };
    case 'failed':
      return {
        kind: 'refused',
        code: 'registration-failed',
        message: `no client could be registered at the authorization server (${outcome.cause})`,
      };
    default:
      return outcome satisfies never;
  }
}

// A code of RFC 7591 §3.2.2, or a word like it: anything else of the answer may quote anything.
function wordOf(codes: readonly string[]): string | undefined {
  return codes.find((code) => /^[a-z_]{1,40}$/.test(code));
}

async function storeClient(
  { db, vault }: RegistrationDependencies,
  key: RegistrationKey,
  { generation, ...client }: DynamicClient,
): Promise<DynamicClientOutcome> {
  const sealed: SealedClient = { ...client, issuer: key.issuer, clientSecretExpiresAt: undefined };
  const clientJwe = await vault.seal('client-registration', { mcpServerId: key.mcpServerId }, sealed);
  const expiresAt = client.clientSecretExpiresAt;
  if (await insertRegistration(db, key, { generation, clientJwe, expiresAt })) {
    return { kind: 'client', client: { ...client, generation } };
  }
  // The row of the process that was faster counts. Our client stays unused at the authorization server.
  const winner = await findLatestRegistration(db, key);
  const opened = winner && (await openClient(vault, key, winner));
  if (opened === undefined || opened.kind === 'undecryptable')
    throw new Error('a client registration is gone');
  return opened;
}

/** What is sealed: a text that was copied to the row of another issuer does not count. */
interface SealedClient extends Omit<RegisteredClient, 'clientSecretExpiresAt'> {
  issuer: string;
  /** In the row. */
  clientSecretExpiresAt: undefined;
}

async function openClient(
  vault: Vault,
  { mcpServerId, issuer }: RegistrationKey,
  { clientJwe, expiresAt, generation }: StoredRegistration,
): Promise<{ kind: 'client'; client: DynamicClient } | KeyMissing | { kind: 'undecryptable' }> {
  const opened = await vault.open('client-registration', { mcpServerId }, clientJwe);
  if (opened.kind !== 'opened') return opened;
  // The cast is safe: the vault opens only what `SealedClient` was sealed into.
  const { issuer: sealedFor, ...client } = JSON.parse(opened.plaintext) as SealedClient;
  if (sealedFor !== issuer) return { kind: 'undecryptable' };
  const expiry = expiresAt === undefined ? {} : { clientSecretExpiresAt: expiresAt };
  const { clientSecretExpiresAt: _, ...rest } = client;
  return { kind: 'client', client: { ...rest, ...expiry, generation } };
}
