import { afterAll, beforeAll, expect, test } from 'vitest';
import { Secret } from '../../../src/config/secret.ts';
import { createLogger } from '../../../src/logging/logger.ts';
import { checkKeys } from '../../../src/vault/boot-check/check-keys.ts';
import type { RingKey } from '../../../src/vault/key-ring.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { newKey } from '../rotation/two-keys.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(() => database.drop());

const check = (key: RingKey) =>
  checkKeys(
    { databaseUrl: new Secret(database.url), encryptionKeys: new Secret([key]) },
    createLogger({ level: 'silent' }),
    new AbortController().signal,
  );

test('only one of several processes starts when each has other bytes under the same new id', async () => {
  const started = await Promise.allSettled(Array.from({ length: 8 }, () => check(newKey('new'))));

  expect(started.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});
