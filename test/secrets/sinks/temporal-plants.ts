import { fileURLToPath } from 'node:url';
import { defaultPayloadConverter } from '@temporalio/common';
import { Worker } from '@temporalio/worker';
import { createDataConverter } from '../../../src/payloads/data-converter.ts';
import { createPayloadCodec } from '../../../src/payloads/payload-codec.ts';
import type { TestTemporal } from '../../support/temporal.ts';
import type { Sink } from './sink.ts';

/** Of the worker that runs the planted workflows. */
const PLANTED_QUEUE = 'planted';
/** Nobody polls this one. */
const NO_QUEUE = 'planted-and-left-alone';

/** Each ends what it starts, or nobody could ask it for its details. */
export function plantsIn(temporal: TestTemporal): Sink['plants'] {
  const { client } = temporal;
  const startAndEnd = async (name: string, options: object, reason = 'planted') => {
    const started = { workflowId: `planted ${name}`, taskQueue: NO_QUEUE, ...options };
    await (await client.workflow.start(name, started)).terminate(reason);
  };
  return {
    'temporal history of planted argument': (texts) => startAndEnd('argument', { args: [{ texts }] }),
    'temporal visibility of planted memo.*memo': (texts) =>
      startAndEnd('memo', { memo: Object.fromEntries(texts.map((text, at) => [`note${at}`, text])) }),
    'temporal visibility of planted attribute.*searchAttributes': async (texts) => {
      for (const [at, text] of texts.entries()) {
        await startAndEnd(`attribute ${at}`, { searchAttributes: { McpUserId: [text] } });
      }
    },
    'temporal history of planted header.*header': (texts) => startWithHeader(temporal, texts),
    'temporal history of planted signal.*Signaled': async (texts) => {
      const options = { taskQueue: NO_QUEUE, workflowId: 'planted signal' };
      const handle = await client.workflow.start('signal', options);
      for (const text of texts) await handle.signal('credentialDeposited', { note: text });
      await handle.terminate();
    },
    'temporal history of planted reason.*reason': async (texts) => {
      for (const [at, text] of texts.entries()) await startAndEnd(`reason ${at}`, {}, text);
    },
    'temporal history of planted failure.*failure': async (texts) => {
      const failures = texts.map((text, at) =>
        client.workflow
          .execute('failWith', {
            workflowId: `planted failure ${at}`,
            taskQueue: PLANTED_QUEUE,
            args: [`it said ${text}`],
          })
          .catch(() => {}),
      );
      await Promise.all(failures);
    },
    'temporal details of planted details': async (texts) => {
      const options = { workflowId: 'planted details', taskQueue: PLANTED_QUEUE, args: [texts] };
      await client.workflow.start('showDetails', options);
    },
    'temporal schedule planted': async (texts) => {
      await client.schedule.create({
        scheduleId: 'planted',
        spec: { intervals: [{ every: '1 day' }] },
        action: { type: 'startWorkflow', workflowType: 'none', taskQueue: NO_QUEUE, args: [texts] },
        state: { paused: true },
      });
    },
  };
}

// The client has no other way to set one than an interceptor, which ends in this request.
async function startWithHeader(temporal: TestTemporal, texts: readonly string[]): Promise<void> {
  const { client, namespace } = temporal;
  const payloads = texts.map((text) => defaultPayloadConverter.toPayload(text));
  const encoded = await createPayloadCodec(temporal.payloadKeys).encode(payloads);
  const workflowId = 'planted header';
  await client.workflowService.startWorkflowExecution({
    namespace,
    workflowId,
    workflowType: { name: 'header' },
    taskQueue: { name: NO_QUEUE },
    requestId: workflowId,
    header: { fields: Object.fromEntries(encoded.map((payload, at) => [`note-${at}`, payload])) },
  });
  await client.workflow.getHandle(workflowId).terminate();
}

/** Runs the planted workflows while `action` runs. */
export async function whilePlanting<T>(temporal: TestTemporal, action: () => Promise<T>): Promise<T> {
  const worker = await Worker.create({
    connection: temporal.nativeConnection,
    namespace: temporal.namespace,
    taskQueue: PLANTED_QUEUE,
    workflowsPath: fileURLToPath(new URL('./planted-workflows.ts', import.meta.url)),
    dataConverter: createDataConverter(temporal.payloadKeys),
  });
  return worker.runUntil(action);
}
