import { expect } from 'vitest';
import { listConnections } from '../../src/credentials/credential-store.ts';
import { disconnectCredential } from '../../src/credentials/retirement/disconnect-credential.ts';
import { registerWaiter } from '../../src/credentials/waiters/waiter-store.ts';
import { patchRow } from './credential-row.ts';
import { credentialTest as test } from './fixtures.ts';

test("the list of a user's connections shows their state and leaves out disconnected ones and removed servers", async ({
  fixture,
}) => {
  const userId = 'alice';
  const keys = await Promise.all(
    ['connected', 'refused', 'changed', 'disconnected', 'removed'].map(async (id) => {
      const key = { userId, mcpServerId: (await fixture.register({}, id)).id };
      await fixture.deposit(key, { scopes: 'a b' });
      await fixture.deposit({ ...key, userId: 'bob' }, {});
      return key;
    }),
  );
  const [, refused, changed, disconnected, removed] = keys;
  if (!refused || !changed || !disconnected || !removed) throw new Error('there are five');
  await patchRow(
    fixture.pool,
    refused,
    "status = 'reauth-required', reason = 'invalid-grant', scopes = NULL",
  );
  await registerWaiter(fixture.pool, { ...refused, workflowId: 'w1', stepId: 's1', seenVersion: 1 });
  await registerWaiter(fixture.pool, { ...refused, workflowId: 'w2', stepId: 's2', seenVersion: 1 });
  await fixture.register({ url: 'http://127.0.0.1:9/moved' }, changed.mcpServerId);
  await disconnectCredential(fixture.pool, disconnected);
  await fixture.servers.remove(removed.mcpServerId);

  const same = {
    account: 'default',
    version: 1,
    updatedAt: expect.any(Date),
    waitingSteps: 0,
    scopes: 'a b',
  };
  const reauthRequired = (reason: string) => ({ status: 'reauth-required', reason });
  const { scopes: _, ...without } = same;
  const since = expect.any(Date);
  expect(await listConnections(fixture.pool, userId)).toEqual([
    { ...same, mcpServerId: 'changed', state: reauthRequired('server-changed') },
    { ...same, mcpServerId: 'connected', state: { status: 'connected' }, since },
    { ...without, mcpServerId: 'refused', state: reauthRequired('invalid-grant'), since, waitingSteps: 2 },
  ]);
  expect(await listConnections(fixture.pool, 'carol')).toEqual([]);
});
