import { randomBytes } from 'node:crypto';
import { Client } from '@temporalio/client';
import { defaultPayloadConverter, type Payload, type PayloadCodec } from '@temporalio/common';
import { describe, expect } from 'vitest';
import { createLatchkey, payloadDataConverter, stepWorkflowId } from '../../src/client.ts';
import { formatKeys } from '../../src/config/encryption-keys.ts';
import { createDataConverter } from '../../src/payloads/data-converter.ts';
import { testInWorld } from '../support/fixtures.ts';
import { INVOICE, type World } from '../support/world.ts';

const KEYS = [{ id: 'p1', bytes: Uint8Array.from(randomBytes(32)) }];
const PAYLOAD_KEYS = formatKeys(KEYS);

const test = testInWorld({ payloadKeys: KEYS });

/** As anybody makes one: without Latchkey's data converter. */
function plainClient(world: World): Client {
  const { connection, options } = world.temporal.client;
  return new Client({ connection, namespace: options.namespace });
}

async function connectedUser(world: World): Promise<string> {
  const user = world.users.newUser();
  await world.users.connect(user);
  return user;
}

function inputOf(world: World, userId: string) {
  return { userId, mcpServerId: world.mcpServerId, tool: 'create_invoice', arguments: INVOICE };
}

test('the client for TypeScript takes the keys', async ({ world }) => {
  const user = await connectedUser(world);
  const { taskQueue } = world.config;
  const latchkey = createLatchkey({ client: plainClient(world), taskQueue, payloadKeys: PAYLOAD_KEYS });

  const started = await latchkey.start({ ...inputOf(world, user), title: 'Invoice' });
  if (started.kind === 'conflict') throw new Error('a fresh id is taken');

  expect(await latchkey.result(user, started.step.stepId)).toMatchObject({ status: 'success' });
  expect(await latchkey.find(user, started.step.stepId)).toMatchObject({
    title: 'Invoice',
    status: 'success',
  });
  const handle = plainClient(world).workflow.getHandle(started.step.workflowId);
  await expect(handle.result()).rejects.toThrow('binary/encrypted');
});

test('a step that was started in clear, as by another language, runs like any other', async ({ world }) => {
  const user = await connectedUser(world);
  const workflowId = stepWorkflowId(user, 'in-clear');
  const plain = await plainClient(world).workflow.start('mcpStep', {
    workflowId,
    taskQueue: world.config.taskQueue,
    args: [inputOf(world, user)],
  });

  expect(await world.temporal.client.workflow.getHandle(workflowId).result()).toMatchObject({
    status: 'success',
  });
  expect(await world.steps.get(user, 'in-clear')).toMatchObject({ status: 'success' });
  await expect(plain.result()).rejects.toThrow('binary/encrypted');
});

test('malformed keys are refused without being repeated', () => {
  expect(() => payloadDataConverter('DONTSHOW')).toThrow(
    /^payload keys: entry 1 must have the form id:base64/,
  );
  expect(() => payloadDataConverter('DONTSHOW')).not.toThrow('DONTSHOW');
});

describe('with codecs of an application', () => {
  const payload = defaultPayloadConverter.toPayload(1);

  test('the codecs of the application encode first, because ciphertext can’t be compressed', async () => {
    const seen: string[] = [];
    const { payloadCodecs = [] } = createDataConverter(KEYS, { payloadCodecs: [watching(seen)] });

    await encode(payloadCodecs, payload);

    expect(seen).toEqual(['json/plain']);
  });

  test('a Worker that has the keys twice encrypts once', async () => {
    const own = payloadDataConverter(PAYLOAD_KEYS);
    for (const keys of [KEYS, undefined]) {
      const { payloadCodecs = [] } = createDataConverter(keys, own);
      const sealed = await encode(payloadCodecs, payload);

      const { payloadCodecs: once = [] } = own;
      const [opened] = (await once[0]?.decode([sealed])) ?? [];
      expect(opened).toMatchObject(payload);
      expect(await decode(payloadCodecs, sealed)).toMatchObject(payload);
    }
  });
});

/** Notes the encoding of what it is given to encode. */
function watching(seen: string[]): PayloadCodec {
  return {
    async encode(payloads) {
      seen.push(...payloads.map(({ metadata }) => Buffer.from(metadata?.encoding ?? []).toString()));
      return payloads;
    },
    decode: async (payloads) => payloads,
  };
}

// As the SDK does: from the first codec to the last, and back.
async function encode(codecs: PayloadCodec[], payload: Payload): Promise<Payload> {
  let payloads = [payload];
  for (const codec of codecs) payloads = await codec.encode(payloads);
  return payloads[0] ?? {};
}

async function decode(codecs: PayloadCodec[], payload: Payload): Promise<Payload> {
  let payloads = [payload];
  for (const codec of codecs.toReversed()) payloads = await codec.decode(payloads);
  return payloads[0] ?? {};
}
