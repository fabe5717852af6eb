import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { refuseSharedStdin, sourceOf } from '../../src/commands/input-source.ts';
import { readJsonObject } from '../../src/commands/json-input.ts';
import { readSecret } from '../../src/commands/secret-input.ts';
import { registrationOf } from '../../src/commands/server-registration.ts';
import { readNamedVariable } from '../../src/config/named-variable.ts';

const URL_OF_SERVER = 'https://ledger.example/mcp';

describe('a source', () => {
  test.for([
    ['-', { kind: 'stdin' }],
    ['@a b', { kind: 'file', path: 'a b' }],
    ['env:TOKEN_1', { kind: 'variable', name: 'TOKEN_1' }],
    ['@', undefined],
    ['env:', undefined],
    ['env:A B', undefined],
    ['--', undefined],
    ['abc', undefined],
  ] as const)('%j', ([text, source]) => {
    expect(sourceOf(text)).toEqual(source);
  });

  test('of a file that is not there is refused by its name and the reason', async () => {
    await expect(readSecret('--token', '@/nowhere/at/all')).rejects.toThrow(
      "/nowhere/at/all can't be read (ENOENT)",
    );
  });

  test('of a variable that is not set is refused by its name', async () => {
    await expect(readSecret('--token', 'env:LATCHKEY_TEST_UNSET')).rejects.toThrow(
      'LATCHKEY_TEST_UNSET is not set',
    );
  });

  test('counts an empty variable as unset', () => {
    expect(readNamedVariable('A', { A: '' })).toBeUndefined();
    expect(readNamedVariable('A', { A: 'b' })).toBe('b');
  });

  test('is standard input for one option only', () => {
    expect(() => refuseSharedStdin({ '--token': '-', '--headers': '@file' })).not.toThrow();
    expect(() => refuseSharedStdin({ '--token': '-', '--headers': '-' })).toThrow('--token, --headers');
  });
});

describe('a secret', () => {
  test('is read without the line break at its end', async () => {
    expect(await readSecret('--token', `@${await fileWith('s3cret \r\n')}`)).toBe('s3cret ');
  });

  test('is never taken from the command line, nor quoted', async () => {
    const refusal = readSecret('--token', 's3cret');
    await expect(refusal).rejects.toThrow('--token takes no secret itself');
    await expect(refusal).rejects.not.toThrow('s3cret');
  });

  test('of an empty file is refused', async () => {
    await expect(readSecret('--token', `@${await fileWith('\n')}`)).rejects.toThrow('got nothing');
  });
});

describe('JSON', () => {
  test('is read from the option or a file', async () => {
    const json = '{"id": 9007199254740991, "name": "a"}';
    const value = { id: 9_007_199_254_740_991, name: 'a' };
    expect(await readJsonObject('--arguments', json)).toEqual(value);
    expect(await readJsonObject('--arguments', `@${await fileWith(json)}`)).toEqual(value);
  });

  test('is refused by its place if a number would be rounded', async () => {
    await expect(readJsonObject('--arguments', '{"a": {"id": 9007199254740993}}')).rejects.toThrow(
      /^--arguments: a\.id .*send it as a string/,
    );
  });

  test.for(['[1]', 'null', '1', '{', ''])('%j is refused, because it is no object', async (json) => {
    await expect(readJsonObject('--arguments', json)).rejects.toThrow('--arguments must be a JSON object');
  });
});

describe('a registration', () => {
  test('is OAuth with the fields that were given', async () => {
    const flags = {
      auth: 'oauth2',
      clientId: 'c1',
      clientSecret: `@${await fileWith('s3cret\n')}`,
      authorizationParam: { audience: 'a' },
      title: 'Ledger',
      paused: true,
    } as const;
    expect(await registrationOf(URL_OF_SERVER, flags)).toEqual({
      url: URL_OF_SERVER,
      auth: {
        type: 'oauth2',
        clientId: 'c1',
        clientSecret: 's3cret',
        authorizationParams: { audience: 'a' },
      },
      title: 'Ledger',
      paused: true,
    });
  });

  test('takes a JWK, headers and a URL with a secret from files', async () => {
    const registration = await registrationOf(`@${await fileWith('https://l.example/mcp?key=k\n')}`, {
      auth: 'oauth2',
      privateKey: `@${await fileWith('{"kty":"RSA"}')}`,
      headers: `@${await fileWith('{"x-api-key":"k"}')}`,
    });
    expect(registration).toEqual({
      url: 'https://l.example/mcp?key=k',
      auth: { type: 'oauth2', privateKey: { kty: 'RSA' } },
      headers: { 'x-api-key': 'k' },
    });
  });

  test.for([
    [{ auth: 'bearer' }, '--auth bearer needs --token'],
    [{ auth: 'oauth2', token: '@t' }, '--token only goes with --auth bearer'],
    [{ auth: 'none', clientSecret: '@t' }, '--client-secret only goes with --auth oauth2'],
    [{ auth: 'none', headers: '{"x-api-key":"k"}' }, '--headers may hold secrets'],
    [{ auth: 'bearer', token: '-', headers: '-' }, 'Only one option can read standard input'],
  ] as const)('%j is refused', async ([flags, message]) => {
    await expect(registrationOf(URL_OF_SERVER, flags)).rejects.toThrow(message);
  });
});

async function fileWith(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-input-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'input');
  await writeFile(path, text);
  return path;
}
