import { randomUUID } from 'node:crypto';
import {
  type Client,
  type WorkflowHandle,
  type WorkflowStartOptions,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { type NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import { inject, vi } from 'vitest';
import {
  type ApproveStep,
  approve,
  credentialDeposited,
  type RejectStep,
  type ResolveStep,
  reject,
  resolve,
  step as stepQuery,
} from '../../src/contracts/messages.ts';
import type { McpStepInput, McpStepResult, StepStatus, StepView } from '../../src/contracts/step.ts';
import { quietTemporal } from '../support/quiet-temporal.ts';
import { createTimeSkippingEnvironment, testDataConverter, uniqueTaskQueue } from '../support/temporal.ts';
import { Play, type Script, scriptedActivities } from './scripted-activities.ts';

export const INPUT = {
  userId: 'ada',
  mcpServerId: 'ledger',
  tool: 'create_invoice',
  arguments: { customer: 'ACME', amount: 42 },
} satisfies McpStepInput;

/** Temporal as a worker and its client reach it. */
export interface Temporal {
  client: Client;
  nativeConnection: NativeConnection;
  namespace: string;
}

/** The workflows under test on a worker whose activities play scripts. */
export interface ScriptedSteps {
  client: Client;
  taskQueue: string;
  start(script: Script, options?: StartOptions): Promise<ScriptedStep>;
  /** A step that something else starts, on `taskQueue`. */
  expect(script: Script, workflowId: string): ScriptedStep;
  startWorker(options?: ScriptedWorkerOptions): Promise<ScriptedWorker>;
  stop(): Promise<void>;
}

export interface ScriptedWorkerOptions extends Partial<WorkerOptions> {
  /** Default: the worker runs both. */
  only?: 'workflows' | 'activities';
}

export interface ScriptedWorker {
  stop(): Promise<void>;
}

export interface StartOptions extends Partial<Omit<WorkflowStartOptions, 'args'>> {
  /** Default: `mcpStep`. */
  type?: string;
  /** Whatever a client may send. Default: `INPUT`. */
  args?: unknown[];
}

export interface ScriptedStep {
  play: Play;
  handle: WorkflowHandle;
  view(): Promise<StepView>;
  /** The step as soon as `isSo` says yes. */
  untilView(isSo: (view: StepView) => boolean): Promise<StepView>;
  until(status: StepStatus): Promise<StepView>;
  deposit(version: number): Promise<void>;
  /** A signal whose payload is what it is told, decodable or not. */
  rawSignal(name: string, payload: { encoding: string; data: string }): Promise<void>;
  /** Each answers the step as the decision left it, or rejects with the `REFUSED` type of the refusal. */
  approve(...message: [ApproveStep?, string?]): Promise<StepView>;
  reject(...message: [RejectStep?, string?]): Promise<StepView>;
  resolve(...message: [ResolveStep, string?]): Promise<StepView>;
  /** On the time-skipping server, time is skipped while this waits. */
  result(): Promise<McpStepResult>;
  /** How the execution closed, once it has: `COMPLETED`, `CANCELLED`, … */
  closed(): Promise<string>;
  /** The attributes' names of the events of its history, such as `timerStarted`. */
  events(): Promise<string[]>;
}

export interface TimeSkippingSteps extends ScriptedSteps {
  /** Lets so much of the server's time pass at once. */
  sleep(ms: number): Promise<void>;
  /** Steps on a task queue of their own, for tests that say when a worker runs. */
  withoutWorker(): ScriptedSteps;
}

/** The time-skipping server with the workflows under test; everything of it ends with `stop`. */
export async function startTimeSkippingSteps(
  options: Partial<WorkerOptions> = {},
): Promise<TimeSkippingSteps> {
  // Failures are what these tests are about: the SDK's lines about them would only be noise.
  quietTemporal();
  const environment = await createTimeSkippingEnvironment();
  const temporal = { ...environment, namespace: environment.namespace ?? 'default' };
  const opened: ScriptedSteps[] = [];
  const withoutWorker = () => {
    const steps = createScriptedSteps(temporal);
    opened.push(steps);
    return steps;
  };
  const steps = withoutWorker();
  await steps.startWorker(options);
  return {
    ...steps,
    sleep: (ms) => environment.sleep(ms),
    withoutWorker,
    async stop() {
      await Promise.all(opened.map((one) => one.stop()));
      await environment.teardown();
    },
  };
}

export function createScriptedSteps({ client, nativeConnection, namespace }: Temporal): ScriptedSteps {
  const bundlePath = inject('payloadKeys') ? 'encryptingWorkflowBundlePath' : 'workflowBundlePath';
  const workflowBundle = { codePath: inject(bundlePath) };
  const taskQueue = uniqueTaskQueue('steps');
  const plays = new Map<string, Play>();
  const workers: ScriptedWorker[] = [];
  const playOf = (workflowId: string) => plays.get(workflowId) ?? new Play({});
  const expectStep = (script: Script, workflowId: string) => {
    const play = new Play(script);
    plays.set(workflowId, play);
    return watchStep(client, workflowId, play);
  };
  return {
    client,
    taskQueue,
    async start(script, { type = 'mcpStep', args = [INPUT], ...options } = {}) {
      const workflowId = options.workflowId ?? `step/ada/${randomUUID()}`;
      const step = expectStep(script, workflowId);
      await client.workflow.start(type, { taskQueue, ...options, workflowId, args });
      return step;
    },
    expect: expectStep,
    async startWorker({ only, ...options } = {}) {
      const created = await Worker.create({
        connection: nativeConnection,
        namespace,
        taskQueue,
        dataConverter: testDataConverter(),
        ...(only !== 'activities' && { workflowBundle }),
        ...(only !== 'workflows' && { activities: scriptedActivities(playOf) }),
        // A cancellation reaches an activity with the answer to a heartbeat.
        maxHeartbeatThrottleInterval: 10,
        defaultHeartbeatThrottleInterval: 10,
        ...cacheSize(),
        ...options,
      });
      const worker = runWorker(created);
      workers.push(worker);
      return worker;
    },
    async stop() {
      await Promise.all(workers.map((worker) => worker.stop()));
    },
  };
}

function cacheSize(): Pick<WorkerOptions, 'maxCachedWorkflows'> {
  const maxCachedWorkflows = inject('maxCachedWorkflows');
  return maxCachedWorkflows === undefined ? {} : { maxCachedWorkflows };
}

function runWorker(worker: Worker): ScriptedWorker {
  const running = worker.run();
  return {
    async stop() {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await running;
    },
  };
}

/** What the workflow id of a scripted step names: `step/ada/<stepId>`. */
export function stepIdOf({ handle }: ScriptedStep): string {
  return handle.workflowId.split('/').at(-1) ?? '';
}

function watchStep(client: Client, workflowId: string, play: Play): ScriptedStep {
  const handle = client.workflow.getHandle(workflowId);
  const step: ScriptedStep = {
    play,
    handle,
    view: () => handle.query(stepQuery),
    untilView: (isSo) =>
      vi.waitFor(
        async () => {
          const view = await step.view();
          if (!isSo(view)) throw new Error(`the step is ${JSON.stringify(view)}`);
          return view;
        },
        // Without a cache a task and a query may get in each other's way until the task's time limit of 10 s.
        { timeout: 50_000, interval: 10 },
      ),
    until: (status) => step.untilView((view) => view.status === status),
    deposit: (version) => handle.signal(credentialDeposited, { mcpServerId: INPUT.mcpServerId, version }),
    async rawSignal(signalName, { encoding, data }) {
      const payload = { metadata: { encoding: Buffer.from(encoding) }, data: Buffer.from(data) };
      await client.workflowService.signalWorkflowExecution({
        namespace: client.options.namespace,
        workflowExecution: { workflowId: handle.workflowId },
        signalName,
        input: { payloads: [payload] },
      });
    },
    approve: (...message) => decide(handle, approve.name, message),
    reject: (...message) => decide(handle, reject.name, message),
    resolve: (...message) => decide(handle, resolve.name, message),
    // The cast names what these tests then check.
    result: () => handle.result() as Promise<McpStepResult>,
    async closed() {
      await handle.result().catch(() => undefined);
      return (await handle.describe()).status.name;
    },
    async events() {
      const { events } = await handle.fetchHistory();
      return (events ?? []).map(nameOfEvent);
    },
  };
  return step;
}

async function decide(handle: WorkflowHandle, update: string, message: unknown[]): Promise<StepView> {
  try {
    // The cast is for the SDK's type, which wants one argument at least; updates may have none.
    const args = message as [unknown, ...unknown[]];
    return await handle.executeUpdate<StepView, typeof args>(update, { args });
  } catch (error) {
    if (error instanceof WorkflowUpdateFailedError && error.cause instanceof ApplicationFailure) {
      throw new Error(String(error.cause.type), { cause: error.cause });
    }
    throw error;
  }
}

function nameOfEvent(event: object): string {
  const attributes = Object.entries(event).find(([key, value]) => key.endsWith('EventAttributes') && value);
  return attributes?.[0].replace('EventAttributes', '') ?? 'unknown';
}
