import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import type { CredentialKey } from '../../src/contracts/activities.ts';
import { disconnectCredential } from '../../src/credentials/retirement/disconnect-credential.ts';
import { readVersions } from './credential-row.ts';
import { endpointTest } from './fixtures.ts';
import { tokens } from './refresh/scripted-token-endpoint.ts';

const test = endpointTest
  .extend('depositAndRenew', ({ fixture, endpoint }) => async (key: CredentialKey): Promise<void> => {
    await fixture.deposit(key, {
      refreshToken: secrets.refreshToken,
      accessToken: secrets.accessToken,
      clientId: 'mine',
      clientSecret: secrets.clientSecret,
      tokenEndpoint: endpoint.url,
    });
    endpoint.answer(
      tokens({ access_token: secrets.renewedAccessToken, refresh_token: secrets.renewedRefreshToken }),
    );
    const outcome = await fixture.renewal.renew(key, await readVersions(fixture.pool, key));
    expect(outcome).toMatchObject({ kind: 'renewed' });
  })
  /** Reads every column of every row of every table, as text. */
  .extend('allText', ({ fixture }) => async (): Promise<string> => {
    const { rows: tables } = await fixture.pool.query<{ name: string }>(
      `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
      WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`,
    );
    expect(tables.map(({ name }) => name)).toContain('public.mcp_credential');
    const contents = await Promise.all(
      tables.map(({ name }) => fixture.pool.query<{ row: string }>(`SELECT t::text AS row FROM ${name} t`)),
    );
    return contents.flatMap(({ rows }) => rows.map(({ row }) => row)).join('\n');
  });

// `+`, `/` and `=` make each encoding of a secret look different from the others.
const secret = (name: string) => `${name}+/=${randomBytes(24).toString('base64')}`;

const secrets = {
  refreshToken: secret('refresh'),
  renewedRefreshToken: secret('renewed-refresh'),
  accessToken: secret('access'),
  renewedAccessToken: secret('renewed-access'),
  clientSecret: secret('client'),
  operatorSecret: secret('operator'),
  header: secret('header'),
  bearerToken: secret('bearer'),
};

test('no table contains a secret in clear, encoded or as a plain hash', async ({
  allText,
  depositAndRenew,
  fixture,
}) => {
  await fixture.register({ auth: { type: 'bearer', token: secrets.bearerToken } });
  const server = await fixture.register({
    auth: { type: 'oauth2', clientId: 'operator', clientSecret: secrets.operatorSecret },
    headers: { 'X-Api-Key': secrets.header },
  });
  const key = fixture.newKey(server);
  await depositAndRenew(key);
  const renewed = await allText();
  await disconnectCredential(fixture.pool, key);

  for (const text of [renewed, await allText()]) {
    expect(text).toContain(key.userId);
    expect(text).toContain('eyJ'); // the beginning of every JWE: the ciphertexts are part of what is searched
    for (const [name, value] of Object.entries(secrets)) {
      for (const form of await formsOf(value)) expect(text.includes(form), `${name}: ${form}`).toBe(false);
    }
  }
});

async function formsOf(value: string): Promise<string[]> {
  const bytes = Buffer.from(value);
  const hash = Buffer.from(await crypto.subtle.digest('SHA-256', bytes));
  return [
    value,
    encodeURIComponent(value),
    JSON.stringify(value).slice(1, -1),
    ...[bytes, hash].flatMap((some) => [
      some.toString('base64').replace(/=+$/, ''),
      some.toString('base64url'),
      some.toString('hex'),
    ]),
    // A neighbour in the same encoded text shifts base64 by one or two bytes.
    ...[1, 2].map((shift) =>
      bytes
        .subarray(shift, bytes.length - 3)
        .toString('base64')
        .replace(/=+$/, ''),
    ),
  ];
}
