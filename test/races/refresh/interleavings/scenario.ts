import { accountMember } from '../../../../src/contracts/accounts.ts';
import type { CredentialKey, CredentialVersions } from '../../../../src/contracts/activities.ts';
import { depositCredential } from '../../../../src/credentials/deposit/deposit-credential.ts';
import { createRenewal } from '../../../../src/credentials/refresh/renewal.ts';
import { disconnectCredential } from '../../../../src/credentials/retirement/disconnect-credential.ts';
import { revokePending } from '../../../../src/credentials/retirement/revoke-pending.ts';
import { createLogger } from '../../../../src/logging/logger.ts';
import type { AuthorizationServerLookup } from '../../../../src/oauth/discovery.ts';
import { createKeyRing } from '../../../../src/vault/key-ring.ts';
import type { Vault } from '../../../../src/vault/vault.ts';
import type { ServerKind } from './authorization-server-model.ts';
import type { Programs } from './code-memory.ts';
import type { Program } from './running-program.ts';
import type { UsersDoing } from './state.ts';

export type FaultKind =
  /** A process never runs again. */
  | 'crash'
  /** A process stands still for any time, and then goes on. */
  | 'freeze'
  /** The same, and its monotonic clock stands still with it. */
  | 'suspension'
  /** The connection breaks after the request has left: it may still arrive, or have been answered. */
  | 'broken-connection'
  /** No connection, or 429: the server has done nothing. */
  | 'turned-away'
  /** The database takes its time for one query, up to its statement timeout. */
  | 'slow-query'
  /** A query fails; it may have been executed. */
  | 'failed-query'
  /** Postgres goes down for up to 20 s and is started again. */
  | 'restart';

export interface Scenario {
  server: ServerKind;
  /** For each process the number of renewals that it makes, one after the other. */
  renewals: readonly number[];
  users: readonly UsersDoing[];
  faults: readonly FaultKind[];
  /** How many of these faults may happen in one schedule. */
  budget: number;
  /** Seconds that the authorization server may take for an answer without this being a fault. */
  patience: number;
}

export const KEY: CredentialKey = { userId: 'alice', mcpServerId: 'notes' };

/** Another account of the same user: its row stands beside the explored one, and nothing may touch it. */
export const WORK: CredentialKey = { ...KEY, account: 'work' };

/** Who looks at the end whether all is well. */
export const LATECOMER = 9;

const TOKEN_ENDPOINT = 'https://as.example/token';
const REVOCATION_ENDPOINT = 'https://as.example/revoke';

/** Reversible and without chance: what is stored says what it is. */
export const transparentVault: Vault = {
  seal: async (purpose, _binding, plaintext) =>
    `${purpose}:${typeof plaintext === 'string' ? plaintext : JSON.stringify(plaintext)}`,
  open: async (purpose, _binding, sealed) =>
    sealed.startsWith(`${purpose}:`)
      ? { kind: 'opened', plaintext: sealed.slice(purpose.length + 1) }
      : { kind: 'undecryptable' },
  sealInPieces: () => Promise.reject(new Error('no credential is large')),
  openInPieces: () => Promise.reject(new Error('no credential is large')),
};

/** Always the same, as are its fingerprints. */
const keyRing = createKeyRing([{ id: 'k1', bytes: new Uint8Array(32) }]);

const authorizationServers: AuthorizationServerLookup = {
  ofMcpServer: async () => ({
    kind: 'found',
    metadata: {
      issuer: 'https://as.example',
      tokenEndpoint: TOKEN_ENDPOINT,
      revocationEndpoint: REVOCATION_ENDPOINT,
      addressFrom: 'user',
      announcesIss: false,
      supportsClientIdMetadataDocument: false,
      source: 'metadata',
    },
  }),
  ofIssuer: async () => ({ kind: 'unavailable', cause: 'nobody asks for it' }),
  scopesOfMcpServer: async () => undefined,
};

const shared = {
  vault: transparentVault,
  keyRing,
  authorizationServers,
  logger: createLogger({ level: 'silent' }),
};

export function renewing(process: number, seen: CredentialVersions): string {
  return `renew ${process} ${seen.credentialVersion} ${seen.tokenVersion}`;
}

export const REVOKING = 'revoke 8';
export const DISCONNECTING = 'disconnect 0';

/** @param clientSecret of the deposit; the first one has none */
export function depositing(token: string, clientSecret = ''): string {
  return `deposit 0 ${token} ${clientSecret}`;
}

/** The product's code, by name, and the number of the process that runs it. */
export function programsFor(key: CredentialKey): Programs {
  return (name) => {
    const [what, number, ...rest] = name.split(' ');
    return { number: Number(number), program: programOf(key, what, rest) };
  };
}

function programOf(key: CredentialKey, what: string | undefined, [first = '', second]: string[]): Program {
  switch (what) {
    case 'renew': {
      const seen = { credentialVersion: Number(first), tokenVersion: Number(second) };
      return (surroundings) =>
        createRenewal({ ...shared, ...surroundings, onRecovered: async () => {} }).renew(key, seen);
    }
    case 'revoke':
      return (surroundings) => revokePending({ ...shared, ...surroundings }, key);
    case 'disconnect':
      return ({ pool }) => disconnectCredential(pool, key);
    case 'deposit':
      return ({ pool }) => depositToken(pool, key, first, second);
    default:
      throw new Error(`no program ${what}`);
  }
}

function depositToken(
  pool: Parameters<Program>[0]['pool'],
  { userId, mcpServerId, account }: CredentialKey,
  refreshToken: string,
  secret?: string,
) {
  return depositCredential(
    { ...shared, pool, refuseAddress: () => undefined, startResumption: async () => {} },
    userId,
    {
      mcpServerId,
      ...accountMember(account),
      refreshToken,
      accessToken: `a-${refreshToken}`,
      tokenEndpoint: TOKEN_ENDPOINT,
      // The method is said, so that no metadata is asked for it: that is not what is explored.
      ...(secret && {
        clientId: 'app',
        clientSecret: secret,
        tokenEndpointAuthMethod: 'client_secret_basic' as const,
      }),
    },
  );
}
