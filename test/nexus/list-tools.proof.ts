import { afterAll, expect } from 'vitest';
import { testInWorld } from '../support/fixtures.ts';
import { createTestNamespace } from '../support/temporal.ts';
import { createNexusCaller, type NexusCaller } from './nexus-caller.ts';

const test = testInWorld(async () => ({ namespace: await createTestNamespace() }));
let caller: NexusCaller;

test.beforeAll(async ({ world }) => {
  caller = await createNexusCaller(world);
});

afterAll(() => caller.stop());

const listTools = (input: unknown) => caller.call({ operation: 'listTools', input });

test('a workflow in another namespace lists the tools of a user', async ({ world }) => {
  const user = world.users.newUser();
  await world.users.connect(user);
  const servers = [{ mcpServerId: world.mcpServerId, account: null }, { mcpServerId: 'no-such-server' }];

  const { result } = (await listTools({ userId: user, servers, timeouts: null })) as { result: unknown };

  const tools = expect.arrayContaining([expect.objectContaining({ name: 'create_invoice' })]);
  const failure = { kind: 'unknown', code: 'unknown-server' };
  expect(result).toEqual({
    servers: [
      { mcpServerId: world.mcpServerId, account: 'default', tools },
      { mcpServerId: 'no-such-server', account: 'default', failure },
    ],
  });
});

test('a listing that waits for its user is shown like a step, and is cancelled with its caller', async ({
  world,
}) => {
  const { mcpServerId } = world;
  const [ada, ben] = [world.users.newUser(), world.users.newUser()];
  const inputOf = (userId: string) => ({
    userId,
    servers: [{ mcpServerId }],
    listId: 'tools-of-the-agent',
    waitUntilConnected: true,
    detail: 'names',
  });
  const [ofAda, ofBen] = await Promise.all(
    [ada, ben].map((user) => caller.start({ operation: 'listTools', input: inputOf(user) })),
  );
  for (const user of [ada, ben]) {
    expect(await world.steps.until(user, 'tools-of-the-agent', 'awaiting-input')).toMatchObject({
      title: `List the tools of ${mcpServerId}`,
      awaitingInputReason: 'needs-oauth-reauth',
    });
  }
  await expect
    .poll(() => world.steps.list(ada, { limit: 10, status: 'awaiting-input' }))
    .toMatchObject({ steps: [{ stepId: 'tools-of-the-agent' }] });

  await world.users.connect(ada);
  await ofBen?.cancel();

  const tools = expect.arrayContaining([expect.objectContaining({ name: 'create_invoice' })]);
  expect(await ofAda?.result()).toMatchObject({
    kind: 'answered',
    result: { servers: [{ mcpServerId, account: 'default', tools }] },
  });
  await expect(ofBen?.result()).rejects.toThrow();
  await world.steps.until(ben, 'tools-of-the-agent', 'cancelled');
});

test('a listing that is refused fails the operation', async () => {
  const refusal = { code: 'invalid-request', message: 'servers must not be empty.' };
  expect(await listTools({ userId: 'ada', servers: [] })).toEqual({ kind: 'refused', refusal });
});
