import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { CredentialKey } from '../../../src/contracts/activities.ts';
import { disconnectCredential } from '../../../src/credentials/retirement/disconnect-credential.ts';
import {
  countDueWaiters,
  listDueWaiters,
  listLostResumptions,
  registerWaiter,
  removeWaiter,
  removeWoken,
} from '../../../src/credentials/waiters/waiter-store.ts';
import type { RegisteredServer } from '../../../src/servers/registered-server.ts';
import { type CredentialFixture, createCredentialFixture } from '../credential-fixture.ts';

let stand: CredentialFixture;
let server: RegisteredServer;
let key: CredentialKey;

beforeAll(async () => {
  stand = await createCredentialFixture();
  server = await stand.register();
});

afterAll(() => stand.stop());

beforeEach(() => {
  key = stand.newKey(server);
});

const workflow = (name: string) => `${key.userId}/${name}`;
const wait = (name: string, seenVersion: number) =>
  registerWaiter(stand.pool, { ...key, workflowId: workflow(name), stepId: name, seenVersion });

/** The credential as `version` deposits have left it. */
async function depositTimes(version: number): Promise<void> {
  for (let n = 1; n <= version; n++) await stand.deposit(key, { refreshToken: `r${n}` });
}

async function due(version: number, limit = 100): Promise<string[]> {
  const waiters = await listDueWaiters(stand.pool, key, version, { after: '', limit });
  return waiters.map(({ workflowId }) => workflowId.slice(key.userId.length + 1));
}

describe('waiters', () => {
  test('are due when they saw an older version, for that user and server alone', async () => {
    await wait('a', 0);
    await wait('b', 1);
    await wait('c', 2);
    await depositTimes(2);

    expect(await due(2)).toEqual(['a', 'b']);
    expect(await countDueWaiters(stand.pool, key, 2)).toBe(2);
    expect(await countDueWaiters(stand.pool, stand.newKey(server), 2)).toBe(0);
    expect(await countDueWaiters(stand.pool, { ...key, mcpServerId: 'another' }, 2)).toBe(0);
  });

  test('are never due beyond what was deposited, whatever version is claimed', async () => {
    await wait('a', 0);
    await wait('b', 1);
    await depositTimes(1);

    expect(await due(99)).toEqual(['a']);
  });

  test('come in pages, each one once', async () => {
    await depositTimes(1);
    for (const name of ['c', 'a', 'e', 'b', 'd']) await wait(name, 0);
    const first = await listDueWaiters(stand.pool, key, 1, { after: '', limit: 2 });
    const second = await listDueWaiters(stand.pool, key, 1, { after: workflow('b'), limit: 9 });

    expect(first.map(({ workflowId }) => workflowId)).toEqual([workflow('a'), workflow('b')]);
    expect(second.map(({ workflowId }) => workflowId)).toEqual(['c', 'd', 'e'].map(workflow));
  });

  test('that were signalled are gone, unless they have paused again', async () => {
    await wait('a', 0);
    await wait('b', 0);
    await depositTimes(2);
    const signalled = await listDueWaiters(stand.pool, key, 1, { after: '', limit: 9 });
    await wait('b', 1);

    await removeWoken(stand.pool, signalled);

    expect(await due(9)).toEqual(['b']);
  });

  test('wait once, however often they register, and no longer than they want', async () => {
    await wait('a', 0);
    await wait('a', 3);
    expect(await countDueWaiters(stand.pool, key, 3)).toBe(0);
    expect(await countDueWaiters(stand.pool, key, 4)).toBe(1);

    await removeWaiter(stand.pool, workflow('a'));

    expect(await countDueWaiters(stand.pool, key, 4)).toBe(0);
  });
});

describe('a lost resumption', () => {
  const lost = async () =>
    (await listLostResumptions(stand.pool, 1_000)).filter(({ userId }) => userId === key.userId);

  test('is found as long as somebody waits for what was deposited', async () => {
    await wait('a', 0);
    await wait('b', 0);
    expect(await lost()).toEqual([]);
    await stand.deposit(key, {});

    expect(await lost()).toEqual([{ ...key, version: 1 }]);

    await removeWaiter(stand.pool, workflow('a'));
    await removeWaiter(stand.pool, workflow('b'));
    expect(await lost()).toEqual([]);
  });

  test('is none when the step has seen that version, or nothing is there to go on with', async () => {
    await stand.deposit(key, {});
    await wait('a', 1);
    expect(await lost()).toEqual([]);

    await disconnectCredential(stand.pool, key);

    expect(await lost()).toEqual([]);
  });
});
