import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { credentialDeposited } from '../../src/contracts/messages.ts';
import { createDataConverter } from '../../src/payloads/data-converter.ts';
import { createPayloadCodec } from '../../src/payloads/payload-codec.ts';
import type { RingKey } from '../../src/vault/key-ring.ts';
import { quietTemporal } from '../support/quiet-temporal.ts';
import { connectTemporal, type TestTemporal } from '../support/temporal.ts';
import { completed, RESULT, reauthRequired, seen } from '../workflows/outcomes.ts';
import {
  createScriptedSteps,
  INPUT,
  type ScriptedStep,
  type ScriptedSteps,
  type ScriptedWorkerOptions,
} from '../workflows/scripted-steps.ts';

const SUCCESS = { status: 'success', result: RESULT };
const OLD = keyNamed('2026-01');
const NEW = keyNamed('2026-07');
const NOBODYS = keyNamed('nobody-has-it');
const NONE = 'none';

type Keys = readonly RingKey[] | typeof NONE;

const opened: { stop(): Promise<void> }[] = [];

beforeAll(quietTemporal);
afterAll(async () => {
  for (const each of opened) await each.stop();
});

describe('a step', { timeout: 120_000 }, () => {
  test('that a worker without the key takes continues on a worker with the key', async () => {
    const steps = await stepsOf([OLD]);
    const lacking = await steps.startWorker(withKeys(NONE));
    const step = await steps.start({ invokeTool: [completed] });
    await untilTaskFails(step);
    expect((await step.handle.describe()).status.name).toBe('RUNNING');

    await lacking.stop();
    await steps.startWorker(withKeys([OLD]));

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
    expect(step.play.order).toStrictEqual(['invokeTool']);
  });

  test('whose call a worker without the key takes knows that the tool did not run and calls again', async () => {
    const steps = await stepsOf([OLD]);
    await steps.startWorker(withKeys([OLD], 'workflows'));
    const lacking = await steps.startWorker(withKeys(NONE, 'activities'));
    const step = await steps.start({ invokeTool: [completed] });
    await step.untilView(({ timeline }) =>
      timeline.some(({ event, cause }) => event === 'waiting-for-server' && cause === 'no-worker'),
    );

    await lacking.stop();
    await steps.startWorker(withKeys([OLD], 'activities'));

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
    expect(step.play.order).toStrictEqual(['invokeTool']);
    expect((await step.view()).timeline.map(({ event }) => event)).not.toContain('answer-lost');
  });

  test.each<[string, Keys, Keys]>([
    ['encryption is switched on', NONE, [OLD]],
    ['a new key is promoted', [OLD, NEW], [NEW, OLD]],
  ])('that was under way when %s goes on', async (_, before, after) => {
    const steps = await stepsOf(before);
    const worker = await steps.startWorker(withKeys(before));
    const step = await steps.start({ invokeTool: [reauthRequired(seen(1)), completed] });
    const paused = await step.until('awaiting-input');
    await worker.stop();

    await steps.startWorker(withKeys(after));
    const { client } = await temporalWith(after);
    const handle = client.workflow.getHandle(step.handle.workflowId);
    expect(await handle.query('step')).toStrictEqual(paused);
    await handle.signal(credentialDeposited, { mcpServerId: INPUT.mcpServerId, version: 2 });

    await expect(handle.result()).resolves.toStrictEqual(SUCCESS);
    expect(await step.events()).not.toContain('workflowTaskFailed');
  });

  test('handles a signal under a key that its worker lacks when the key is there', async () => {
    const steps = await stepsOf([OLD]);
    const lacking = await steps.startWorker(withKeys([OLD]));
    const step = await steps.start({ invokeTool: [reauthRequired(seen(1)), completed] });
    await step.until('awaiting-input');
    const { client } = await temporalWith([NEW, OLD]);
    const handle = client.workflow.getHandle(step.handle.workflowId);
    await handle.signal(credentialDeposited, { mcpServerId: INPUT.mcpServerId, version: 2 });
    await untilTaskFails(step);

    await lacking.stop();
    await steps.startWorker(withKeys([NEW, OLD]));

    await expect(handle.result()).resolves.toStrictEqual(SUCCESS);
  });

  test.each([
    ['tampered with', (jwe: string) => jwe.replace(/.$/, (last) => (last === 'A' ? 'Q' : 'A'))],
    ['cut off', (jwe: string) => jwe.slice(0, 100)],
    ['not encrypted at all', () => 'binary/encrypted says who wrote it'],
  ])('is not held up by a signal that was %s', async (_, spoil) => {
    const steps = await stepsOf([OLD]);
    await steps.startWorker(withKeys([OLD]));
    const step = await steps.start({ invokeTool: [reauthRequired(seen(1)), completed] });
    await step.until('awaiting-input');
    const [sealed] = await createPayloadCodec([OLD]).encode([{ metadata: {}, data: randomBytes(200) }]);

    const data = spoil(Buffer.from(sealed?.data ?? []).toString());
    await step.rawSignal(credentialDeposited.name, { encoding: 'binary/encrypted', data });
    await step.deposit(2);

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
    expect(await step.events()).not.toContain('workflowTaskFailed');
  });
});

test('a client without the key says so and shows no ciphertext', async () => {
  const steps = await stepsOf([NOBODYS]);
  const step = await steps.start({}, { memo: { note: 'what is it?' } });

  for (const keys of [NONE, [OLD]] as const) {
    const { client } = await temporalWith(keys);
    await expect(client.workflow.getHandle(step.handle.workflowId).describe()).rejects.toThrow(
      `PAYLOAD_KEYS lacks the key ${NOBODYS.id}`,
    );
  }
  await step.handle.terminate();
});

function keyNamed(id: string): RingKey {
  return { id, bytes: Uint8Array.from(randomBytes(32)) };
}

async function temporalWith(keys: Keys): Promise<TestTemporal> {
  const temporal = await connectTemporal(undefined, keys);
  opened.push({ stop: temporal.close });
  return temporal;
}

async function stepsOf(keys: Keys): Promise<ScriptedSteps> {
  const steps = createScriptedSteps(await temporalWith(keys));
  opened.unshift(steps);
  return steps;
}

function withKeys(keys: Keys, only?: 'workflows' | 'activities'): ScriptedWorkerOptions {
  const bundle = keys === NONE ? 'workflowBundlePath' : 'encryptingWorkflowBundlePath';
  return {
    dataConverter: createDataConverter(keys === NONE ? undefined : keys),
    ...(only && { only }),
    ...(only !== 'activities' && { workflowBundle: { codePath: inject(bundle) } }),
  };
}

async function untilTaskFails(step: ScriptedStep): Promise<void> {
  await vi.waitFor(async () => expect(await step.events()).toContain('workflowTaskFailed'), {
    timeout: 20_000,
    interval: 50,
  });
}
