import type { JWK } from 'jose';
import type { KeyMissing } from '../contracts/activities.ts';
import type { Db } from '../db/pool.ts';
import type { ServerRegistration } from '../schemas/server.ts';
import type { Vault } from '../vault/vault.ts';
import { type ServerSecrets, splitQuery } from './registered-server.ts';

export type OpenedSecrets =
  | { kind: 'opened'; secrets: ServerSecrets }
  /** The operator must add the key. */
  | KeyMissing
  /** The operator must register the server again. */
  | { kind: 'undecryptable'; message: string };

/** Decrypts the secrets of a registration: an empty object if it has none. */
export async function openServerSecrets(
  vault: Vault,
  mcpServerId: string,
  secretJwe: string | null,
): Promise<OpenedSecrets> {
  if (secretJwe === null) return { kind: 'opened', secrets: {} };
  const opened = await vault.open('server-secret', { mcpServerId }, secretJwe);
  switch (opened.kind) {
    case 'opened':
      // The cast is safe: the vault opens only what `ServerSecrets` was sealed into.
      return { kind: 'opened', secrets: JSON.parse(opened.plaintext) as ServerSecrets };
    case 'key-missing':
      return opened;
    case 'undecryptable':
      return {
        kind: 'undecryptable',
        message: "the MCP server's registered secrets can't be decrypted: register it again",
      };
    default:
      return opened satisfies never;
  }
}

/** Reads and decrypts the secrets of a registered server. Undefined: it is not registered. */
export async function readServerSecrets(
  db: Db,
  vault: Vault,
  mcpServerId: string,
): Promise<OpenedSecrets | undefined> {
  const { rows } = await db.query<{ secret_jwe: string | null }>(
    'SELECT secret_jwe FROM mcp_server WHERE id = $1',
    [mcpServerId],
  );
  return rows[0] && openServerSecrets(vault, mcpServerId, rows[0].secret_jwe);
}

/** Encrypts the secrets of a registration. Null: it has none. */
export async function sealServerSecrets(
  vault: Vault,
  mcpServerId: string,
  { url, auth, headers }: ServerRegistration,
): Promise<string | null> {
  const { query } = splitQuery(url);
  const secrets: ServerSecrets = {
    ...(query !== '' && { urlQuery: query }),
    ...(auth.type === 'bearer' && { token: auth.token }),
    ...(auth.type === 'oauth2' && auth.clientSecret !== undefined && { clientSecret: auth.clientSecret }),
    // The cast drops `| undefined` from the optional members: JSON leaves them out.
    ...(auth.type === 'oauth2' && auth.privateKey !== undefined && { privateKey: auth.privateKey as JWK }),
    ...(headers && { headers }),
  };
  if (Object.keys(secrets).length === 0) return null;
  return vault.seal('server-secret', { mcpServerId }, JSON.stringify(secrets));
}
