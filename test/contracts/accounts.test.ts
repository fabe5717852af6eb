import { describe, expect, test } from 'vitest';
import { accountMember, accountOf } from '../../src/contracts/accounts.ts';
import type { McpStepInput } from '../../src/contracts/step.ts';
import { isSameRequest, requestHash, stepMemo } from '../../src/contracts/step-memo.ts';
import {
  resumeWorkflowId,
  revokeWorkflowId,
  revokeWorkflowIds,
} from '../../src/contracts/step-workflow-id.ts';
import { connectUrl } from '../../src/contracts/urls.ts';
import { createKeyRing } from '../../src/vault/key-ring.ts';
import { createVault } from '../../src/vault/vault.ts';

const KEY = { userId: 'alice', mcpServerId: 'notes' };
const REQUEST: McpStepInput = { ...KEY, tool: 'add', stepId: 's' };
const keyRing = createKeyRing([{ id: 'k1', bytes: new Uint8Array(32).fill(7) }]);
const vault = createVault(keyRing);

const headerOf = (jwe: string) => jwe.slice(0, jwe.indexOf('.'));

describe('an account', () => {
  test('is left out of keys and messages if it is the default one', () => {
    expect(accountMember('default')).toStrictEqual({});
    expect(accountMember(undefined)).toStrictEqual({});
    expect(accountMember('work')).toStrictEqual({ account: 'work' });
    expect(accountOf({})).toBe('default');
  });
});

// The values were computed by the version before there were accounts.
describe.each([{}, { account: 'default' }])('for the default account, as %j, is as before', (account) => {
  test('the fingerprint of a refresh token', () => {
    expect(keyRing.fingerprint('refresh-1', { ...KEY, ...account })).toBe(
      'k1.mMFs5jDjNoKqAMg6OoUhZF1GmsIzfjvmNgmK64hP78c',
    );
  });

  test('the header of a ciphertext, and ciphertexts of before open', async () => {
    const header =
      'eyJhbGciOiJBMjU2S1ciLCJlbmMiOiJBMjU2R0NNIiwia2lkIjoiazEiLCJsayI6eyJwdXJwb3NlIjoiZ3JhbnQiLCJ1c2VySWQiOiJhbGljZSIsIm1jcFNlcnZlcklkIjoibm90ZXMifX0';
    const sealedBefore = `${header}.js7RK5czwM4hoBZHM2vEFc7vpBiYOsfPyXb_1PLyWz6zUdqTN35Tew.mRcf6ybt3NG0CWC9.WPc-Jfn5HF2EkIC7IGIlkYKSm2Ky.4vfrNHToyXfADj7fpB81GA`;
    const key = { ...KEY, ...account };

    expect(headerOf(await vault.seal('grant', key, 'x'))).toBe(header);
    expect(await vault.open('grant', key, sealedBefore)).toEqual({
      kind: 'opened',
      plaintext: '{"refreshToken":"r1"}',
    });
  });

  test('the ids of the workflows around a credential', () => {
    const key = { userId: 'a b', mcpServerId: 'm/s', ...account };
    expect(resumeWorkflowId(key, 3)).toBe('resume/a%20b/m%2Fs/3');
    expect(revokeWorkflowId(key, 3)).toBe('revoke/a%20b/m%2Fs/3');
  });

  test('the hash and the memo of a request', () => {
    const hash = 'GajDXLz2P2NvbKLVqFAP2z4Xdl6Abvzap201DV985RQ';
    expect(requestHash({ ...REQUEST, ...account })).toBe(hash);
    expect(isSameRequest({ ...REQUEST, ...account }, hash)).toBe(true);
    expect(stepMemo({ ...REQUEST, ...account, stepId: 's' })).toStrictEqual({
      requestHash: hash,
      ...KEY,
      stepId: 's',
      tool: 'add',
      mode: 'fully-automated',
    });
  });

  test('the link of a pause', () => {
    const { account: name } = { account: undefined, ...account };
    expect(connectUrl('https://l.example', 'm/s', undefined, name)).toBe('https://l.example/connect/m%2Fs');
    expect(connectUrl('https://l.example', 'm', 's1', name)).toBe('https://l.example/connect/m?step=s1');
  });
});

describe('another account', () => {
  const WORK = { ...KEY, account: 'work' };

  test('has fingerprints of its own, also where characters move between its parts', () => {
    const fingerprints = [
      keyRing.fingerprint('v', KEY),
      keyRing.fingerprint('v', WORK),
      keyRing.fingerprint('work', { ...KEY, account: 'v' }),
      keyRing.fingerprint('v', { userId: 'alice', mcpServerId: 'notes","work' }),
      keyRing.fingerprint('v', { userId: 'alice', mcpServerId: 'noteswork' }),
    ];
    expect(new Set(fingerprints).size).toBe(fingerprints.length);
  });

  test('opens no ciphertext of the default account, nor the other way round', async () => {
    for (const [one, other] of [
      [KEY, WORK],
      [WORK, KEY],
      [WORK, { ...KEY, account: 'home' }],
    ] as const) {
      const jwe = await vault.seal('access-token', one, 'secret');
      expect(await vault.open('access-token', other, jwe)).toEqual({ kind: 'undecryptable' });
      expect(await vault.open('access-token', one, jwe)).toMatchObject({ kind: 'opened' });
    }
  });

  test('is named at the end of workflow ids, percent-encoded', () => {
    const key = { ...KEY, account: 'a/b c' };
    expect(resumeWorkflowId(key, 3)).toBe('resume/alice/notes/3/a%2Fb%20c');
    expect(revokeWorkflowId(key, 3)).toBe('revoke/alice/notes/3/a%2Fb%20c');
    expect(revokeWorkflowIds(key, 3)).toStrictEqual(['revoke/alice/notes/3/a%2Fb%20c']);
    // Temporal's limit on a Postgres-backed cluster.
    const long = { userId: 'ü'.repeat(255), mcpServerId: 'ü'.repeat(255), account: 'ü'.repeat(255) };
    expect(resumeWorkflowId(long, Number.MAX_SAFE_INTEGER).length).toBeLessThanOrEqual(255);
  });

  test('makes another request, whose memo names it', () => {
    const request = { ...REQUEST, account: 'work', stepId: 's' };
    expect(isSameRequest(request, requestHash(REQUEST))).toBe(false);
    expect(isSameRequest(REQUEST, requestHash(request))).toBe(false);
    expect(isSameRequest(request, requestHash(request))).toBe(true);
    expect(stepMemo(request)).toMatchObject({ account: 'work' });
  });

  test('is named in the link of a pause', () => {
    expect(connectUrl('https://l.example', 'm', 's1', 'a&b')).toBe(
      'https://l.example/connect/m?step=s1&account=a%26b',
    );
    expect(connectUrl('https://l.example', 'm', undefined, 'work')).toBe(
      'https://l.example/connect/m?account=work',
    );
  });
});
