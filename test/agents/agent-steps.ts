import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { Client, WorkflowHandle, WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, Worker, type WorkflowBundle } from '@temporalio/worker';
import { inject, test, vi } from 'vitest';
import { credentialDeposited, step as stepQuery } from '../../src/contracts/messages.ts';
import type { StepStatus, StepView } from '../../src/contracts/step.ts';
import { quietTemporal } from '../support/quiet-temporal.ts';
import { connectTemporal, type TestTemporal, uniqueTaskQueue } from '../support/temporal.ts';
import { Play, type Script, scriptedActivities } from '../workflows/scripted-activities.ts';
import type * as agents from './agent-workflows.ts';

const WORKFLOWS = fileURLToPath(new URL('agent-workflows.ts', import.meta.url));

type Agents = typeof agents;

/** Agents on a worker of their own, and their steps on one whose activities play the script of the agent's user. */
export interface AgentSteps {
  readonly client: Client;
  readonly taskQueue: string;
  /** A user id that no other test has, and what the activities of this user's steps answer. */
  user(script: Script): AgentUser;
  start<Name extends keyof Agents>(
    type: Name,
    ...args: Parameters<Agents[Name]>
  ): Promise<WorkflowHandleWithFirstExecutionRunId<Agents[Name]>>;
  /** Stops the agents' worker until `resumeAgents`. */
  pauseAgents(): Promise<void>;
  resumeAgents(): Promise<void>;
  stop(): Promise<void>;
}

export interface AgentUser {
  readonly userId: string;
  readonly play: Play;
}

export interface AgentStepsOptions {
  /** How many agents the worker keeps. Default: none, so that each of an agent's tasks replays it from the start. */
  maxCachedWorkflows?: number;
}

/** Vitest's `test` for one file, whose tests share the workers: `const test = testWithAgents()`. */
export function testWithAgents(options: AgentStepsOptions = {}) {
  return test.extend<{ $file: { agents: AgentSteps } }>({
    agents: [
      // biome-ignore lint/correctness/noEmptyPattern: Vitest reads the names of the fixtures that this one needs.
      async ({}, use) => {
        const agents = await startAgentSteps(options);
        await use(agents);
        await agents.stop();
      },
      { scope: 'file' },
    ],
  });
}

async function startAgentSteps({ maxCachedWorkflows = 0 }: AgentStepsOptions): Promise<AgentSteps> {
  quietTemporal();
  const temporal = await connectTemporal(undefined, 'none');
  const plays = new Map<string, Play>();
  const [agentQueue, taskQueue] = [uniqueTaskQueue('agents'), uniqueTaskQueue('steps')];
  const workflowBundle = await bundleWorkflowCode({
    workflowsPath: WORKFLOWS,
    logger: new DefaultLogger('ERROR', () => {}),
  });
  const stopSteps = await run(await stepsWorker(temporal, taskQueue, plays));
  const startAgents = async () =>
    run(await agentsWorker(temporal, agentQueue, { workflowBundle, maxCachedWorkflows }));
  let stopAgents = await startAgents();
  return {
    client: temporal.client,
    taskQueue,
    user(script) {
      const userId = `ada-${randomUUID()}`;
      const play = new Play(script);
      plays.set(userId, play);
      return { userId, play };
    },
    start: (type, ...args) =>
      // The cast is for the SDK's type, which can't see that the arguments are the workflow's.
      temporal.client.workflow.start(type, {
        taskQueue: agentQueue,
        workflowId: `agent-${randomUUID()}`,
        args: args as never,
      }),
    pauseAgents: () => stopAgents(),
    async resumeAgents() {
      stopAgents = await startAgents();
    },
    async stop() {
      await Promise.all([stopAgents(), stopSteps()]);
      await temporal.close();
    },
  };
}

function stepsWorker(
  { nativeConnection, namespace }: TestTemporal,
  taskQueue: string,
  plays: Map<string, Play>,
) {
  const userOf = (workflowId: string) => workflowId.split('/')[1] ?? '';
  return Worker.create({
    connection: nativeConnection,
    namespace,
    taskQueue,
    workflowBundle: { codePath: inject('workflowBundlePath') },
    activities: scriptedActivities((workflowId) => plays.get(userOf(workflowId)) ?? new Play({})),
    maxHeartbeatThrottleInterval: 10,
    defaultHeartbeatThrottleInterval: 10,
  });
}

function agentsWorker(
  { nativeConnection, namespace }: TestTemporal,
  taskQueue: string,
  options: { workflowBundle: WorkflowBundle; maxCachedWorkflows: number },
) {
  return Worker.create({
    connection: nativeConnection,
    namespace,
    taskQueue,
    ...options,
  });
}

async function run(worker: Worker): Promise<() => Promise<void>> {
  const running = worker.run();
  return async () => {
    if (worker.getState() === 'RUNNING') worker.shutdown();
    await running;
  };
}

/** The children of an agent's current run, in the order of their calls, as soon as so many have started. */
export async function childrenOf(handle: WorkflowHandle, atLeast = 1): Promise<string[]> {
  return vi.waitFor(
    async () => {
      const { events } = await handle.fetchHistory();
      const started = (events ?? []).filter((event) => event.childWorkflowExecutionStartedEventAttributes);
      if (started.length < atLeast) throw new Error(`the agent has started ${started.length} children`);
      return (events ?? []).flatMap(
        (event) => event.startChildWorkflowExecutionInitiatedEventAttributes?.workflowId ?? [],
      );
    },
    { timeout: 50_000, interval: 20 },
  );
}

/** The step, as soon as it has the status. */
export function untilStep(client: Client, workflowId: string, status: StepStatus): Promise<StepView> {
  return vi.waitFor(
    async () => {
      const view = await client.workflow.getHandle(workflowId).query(stepQuery);
      if (view.status !== status) throw new Error(`the step is ${view.status}`);
      return view;
    },
    { timeout: 50_000, interval: 20 },
  );
}

/** What a deposit for `ledger` tells a step. */
export async function deposit(client: Client, workflowId: string, version: number): Promise<void> {
  await client.workflow.getHandle(workflowId).signal(credentialDeposited, { mcpServerId: 'ledger', version });
}

export async function statusOf(client: Client, workflowId: string): Promise<string> {
  return (await client.workflow.getHandle(workflowId).describe()).status.name;
}
