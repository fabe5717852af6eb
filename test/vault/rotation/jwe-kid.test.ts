import { afterAll, beforeAll, expect, test } from 'vitest';
import { NO_KID } from '../../../src/vault/rotation/sealed-value-store.ts';
import { kidOf, type SealBinding } from '../../../src/vault/vault.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { asAdmin } from '../../support/database-template.ts';
import { keysOf, newKey } from './two-keys.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(() => database.drop());

/** Returns the key id that the database reads from a text. */
async function kidByDatabase(text: string | null): Promise<string | null> {
  const { rows } = await asAdmin(database.url, (admin) => admin.query('SELECT jwe_kid($1) AS kid', [text]));
  return rows[0].kid;
}

const BINDINGS: SealBinding[] = [
  { userId: 'u', mcpServerId: 's' },
  { mcpServerId: '"kid":"other"' },
  { userId: 'ßüñ 🔑 "kid":"other"', mcpServerId: 'x'.repeat(255) },
  { fingerprintKid: 'other' },
];

test.each(['k', '2026-01', 'a.b_c-d', 'Z'.repeat(63), '0'.repeat(64)])(
  'the database reads the key id %s from everything sealed under it',
  async (kid) => {
    const { vault } = keysOf(newKey(kid));
    for (const binding of BINDINGS) {
      const jwe = await vault.seal('grant', binding, 'secret');
      expect(kidOf(jwe)).toBe(kid);
      expect(await kidByDatabase(jwe)).toBe(kid);
    }
  },
);

const PREFIX = Buffer.from('{"alg":"A256KW","enc":"A256GCM","kid":"').toString('base64url');
const after = (json: string | Buffer) => `${PREFIX}${Buffer.from(json).toString('base64url')}`;

test.each([
  '',
  'given-up',
  '....',
  PREFIX,
  `${PREFIX}.a.b.c.d`,
  `${PREFIX}AAA`,
  `${PREFIX}!!!!`,
  after(`${'k'.repeat(65)}"}`),
  after('","lk":{}}'),
  after('k 1"}'),
  after(Buffer.from([0xff, 0, 0x80, 0x22])),
  after('never ends'),
  'ß'.repeat(300),
  Buffer.from('{"kid":"k1","alg":"A256KW","enc":"A256GCM"}').toString('base64url'),
])('a text that is not a JWE has no key id and can be stored: %j', async (text) => {
  expect(await kidByDatabase(text)).toBe(NO_KID);
});

test('NULL has no key id', async () => {
  expect(await kidByDatabase(null)).toBeNull();
});
