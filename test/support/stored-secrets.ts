import type { CredentialKey } from '../../src/contracts/activities.ts';
import type { Grant } from '../../src/credentials/credential.ts';
import { type KeyRow, keyFromRow } from '../../src/credentials/credential-key.ts';
import type { Services } from '../../src/process/services.ts';

type Stores = Pick<Services, 'db' | 'vault'>;

/** Every token and client secret that the database holds now, in clear. */
export async function storedSecrets({ db, vault }: Stores): Promise<string[]> {
  const { rows } = await db.query<KeyRow & { grant_jwe: string | null; access_token_jwe: string | null }>(
    'SELECT user_id, mcp_server_id, account, grant_jwe, access_token_jwe FROM mcp_credential',
  );
  const found: (string | undefined)[] = [];
  for (const row of rows) {
    const key = keyFromRow(row);
    const { refreshToken, clientId, clientSecret }: Partial<Grant> = JSON.parse(
      (await opened(vault, 'grant', key, row.grant_jwe)) ?? '{}',
    );
    found.push(refreshToken, clientSecret, await opened(vault, 'access-token', key, row.access_token_jwe));
    found.push(row.grant_jwe ?? undefined, row.access_token_jwe ?? undefined);
    if (clientSecret) found.push(Buffer.from(`${clientId}:${clientSecret}`).toString('base64'));
  }
  return found.filter((secret) => secret !== undefined);
}

async function opened(
  vault: Stores['vault'],
  purpose: 'grant' | 'access-token',
  key: CredentialKey,
  jwe: string | null,
): Promise<string | undefined> {
  if (jwe === null) return undefined;
  const outcome = await vault.open(purpose, key, jwe);
  if (outcome.kind !== 'opened') throw new Error(`a stored secret does not open: ${outcome.kind}`);
  return outcome.plaintext;
}
