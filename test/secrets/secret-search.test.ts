import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { disguises, newPlantedSecret } from './disguises.ts';
import { formsOf } from './secret-forms.ts';
import { createSecretSearch } from './secret-search.ts';

const bytesOf = (text: string) => ({ name: 'it', value: Buffer.from(text) });

describe.each([0, 1, 2, 3, 4, 5])('behind %i letters', (letters) => {
  test.each(Object.entries(disguises))('a secret %s is found', (_, disguise) => {
    const secret = newPlantedSecret();
    const search = createSecretSearch([bytesOf(newPlantedSecret()), { ...bytesOf(secret), name: 'mine' }]);
    const text = `${'x'.repeat(letters)}${disguise(secret)}y`;

    expect(search(text).map((found) => found.secret.name)).toEqual(['mine']);
    expect(search(`{"a":${JSON.stringify(text)}}`)).toHaveLength(1);
    expect(search(Buffer.from(JSON.stringify({ data: text })).toString('base64'))).toHaveLength(1);
  });
});

test('a secret of bytes that are not text is found raw, in base64 and in hex', () => {
  const key = randomBytes(32);
  const search = createSecretSearch([{ name: 'key', value: key }]);

  for (const content of [key, key.toString('base64'), key.toString('base64url'), key.toString('hex')]) {
    expect(search(content)).toHaveLength(1);
  }
});

test('each of many secrets is found once and no other text is', () => {
  const secrets = Array.from({ length: 300 }, (_, at) => ({ name: `${at}`, value: randomBytes(24) }));
  const search = createSecretSearch(secrets);
  const some = [3, 77, 299];
  const text = some.map((at) => `${secrets[at]?.value.toString('base64url')}.`).join('');

  expect(search(`${text}${text}`).map(({ secret }) => secret.name)).toEqual(some.map(String));
});

test('what only resembles a secret is not found', () => {
  const secret = newPlantedSecret();
  const search = createSecretSearch([bytesOf(secret)]);

  for (const other of [secret.slice(1), secret.slice(0, -1), secret.toUpperCase(), '', 'x'.repeat(300_000)]) {
    expect(search(other)).toEqual([]);
    expect(search(Buffer.from(other).toString('base64'))).toEqual([]);
  }
});

test('a secret that is too short to be told from other text is refused', () => {
  expect(() => formsOf(Buffer.from('short'))).toThrow('too short');
});
