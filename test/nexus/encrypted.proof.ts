import { randomBytes, randomUUID } from 'node:crypto';
import { Client, type WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createDataConverter } from '../../src/payloads/data-converter.ts';
import type { RingKey } from '../../src/vault/key-ring.ts';
import { createWorld, INVOICE, type World } from '../support/world.ts';
import { createNexusCaller, type NexusCaller } from './nexus-caller.ts';

const keys: RingKey[] = [{ id: 'nexus', bytes: Uint8Array.from(randomBytes(32)) }];

let world: World;
let caller: NexusCaller;

beforeAll(async () => {
  world = await createWorld({ payloadKeys: keys });
  caller = await createNexusCaller(world);
});

afterAll(async () => {
  await caller.stop();
  await world.stop();
});

test('a caller without the keys of Latchkey’s workers is stuck until it has them', async () => {
  const user = world.users.newUser();
  await world.users.connect(user);
  const stepId = randomUUID();
  const step = {
    userId: user,
    stepId,
    mcpServerId: world.mcpServerId,
    tool: 'create_invoice',
    arguments: INVOICE,
  };

  const call = await caller.start({ operation: 'runStep', input: step });
  const refused = await caller.start({ operation: 'runStep', input: {} });

  await world.steps.until(user, stepId, 'success');
  for (const stuck of [call, refused])
    await vi.waitFor(async () => expect(await failedTask(stuck)).toBe(UNREADABLE), WAIT);

  await caller.restart(createDataConverter(keys));
  const result = { status: 'success', result: { structuredContent: INVOICE } };
  expect(await encrypted(call)).toMatchObject({ kind: 'answered', result });
  expect(await encrypted(refused)).toMatchObject({
    kind: 'refused',
    refusal: {
      code: 'invalid-request',
      message: 'mcpServerId is required; tool is required; userId is required.',
    },
  });
  expect(world.mcpServer.calls({ user })).toHaveLength(1);
});

const UNREADABLE = 'Unknown encoding: binary/encrypted';
const WAIT = { timeout: 30_000, interval: 100 };

async function failedTask(call: WorkflowHandle): Promise<string | null | undefined> {
  const { events } = await call.fetchHistory();
  return events?.findLast((event) => event.workflowTaskFailedEventAttributes)
    ?.workflowTaskFailedEventAttributes?.failure?.message;
}

// The caller's own result is encrypted too, once its worker has the keys.
async function encrypted({ workflowId }: WorkflowHandle): Promise<unknown> {
  const { connection } = world.temporal.client;
  const client = new Client({
    connection,
    namespace: caller.namespace,
    dataConverter: createDataConverter(keys),
  });
  return client.workflow.getHandle(workflowId).result();
}
