import { afterAll, expect } from 'vitest';
import { testInWorld } from '../support/fixtures.ts';
import { createNexusCaller, type NexusCaller } from './nexus-caller.ts';

const test = testInWorld();
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

test('a listing that is refused fails the operation', async () => {
  const refusal = { code: 'invalid-request', message: 'servers must not be empty.' };
  expect(await listTools({ userId: 'ada', servers: [] })).toEqual({ kind: 'refused', refusal });
});
