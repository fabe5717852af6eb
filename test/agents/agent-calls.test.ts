import type { WorkflowHandle } from '@temporalio/client';
import { describe, expect, vi } from 'vitest';
import type { ToolCall } from '../../src/agents/tool-caller.ts';
import { withdraw } from '../../src/contracts/messages.ts';
import { completed, lost, reauthRequired, seen } from '../workflows/outcomes.ts';
import { CONNECT_URL, held, untilCancelled } from '../workflows/scripted-activities.ts';
import { childrenOf, deposit, statusOf, testWithAgents, untilStep } from './agent-steps.ts';

const test = testWithAgents();

const CALL: ToolCall = { mcpServerId: 'ledger', tool: 'create_invoice', arguments: { customer: 'ACME' } };
const OTHER: ToolCall = { ...CALL, tool: 'send_reminder' };
const DONE = {
  outcome: 'success',
  parts: [
    { kind: 'text', text: 'invoice 7' },
    { kind: 'json', value: { id: 7 } },
  ],
  structuredContent: { id: 7 },
};

describe('an agent that waits for people', () => {
  test('sees a pause as a slow call', async ({ agents }) => {
    const { userId, play } = agents.user({ invokeTool: [reauthRequired(seen(0)), completed] });
    const agent = await agents.start('callingAgent', { userId, taskQueue: agents.taskQueue }, [[CALL]]);
    const [stepId = ''] = await childrenOf(agent);
    await untilStep(agents.client, stepId, 'awaiting-input');
    await deposit(agents.client, stepId, 1);

    expect(await agent.result()).toEqual([DONE]);
    expect(play.inputs('invokeTool')).toHaveLength(2);
  });

  test('makes a step of each call, though the model repeats one', async ({ agents }) => {
    const { userId, play } = agents.user({ invokeTool: [completed, completed, completed] });
    const options = { userId, taskQueue: agents.taskQueue };
    const agent = await agents.start('callingAgent', options, [[CALL, CALL], [CALL]]);

    expect(await agent.result()).toEqual([DONE, DONE, DONE]);
    expect(new Set(await childrenOf(agent)).size).toBe(3);
    expect(play.inputs('invokeTool')).toHaveLength(3);
  });

  test('makes another step after it has continued as new', async ({ agents }) => {
    const { userId, play } = agents.user({ invokeTool: [completed, completed] });
    const agent = await agents.start('continuingAgent', { userId, taskQueue: agents.taskQueue }, CALL);

    expect(await agent.result()).toEqual([DONE, DONE]);
    expect(play.inputs('invokeTool')).toHaveLength(2);
  });

  test('ends a step that is under way when it continues as new, and makes another one', async ({
    agents,
  }) => {
    const left = untilCancelled(lost);
    const { userId, play } = agents.user({ invokeTool: [left, completed] });
    const agent = await agents.start('hurryingAgent', { userId, taskQueue: agents.taskQueue }, CALL);
    const [step = ''] = await childrenOf(agent);
    await left.reached;
    await agent.signal('hurry');

    expect(await agent.result()).toEqual(DONE);
    await agents.client.workflow
      .getHandle(step)
      .result()
      .catch(() => undefined);
    expect(await statusOf(agents.client, step)).not.toBe('RUNNING');
    expect(play.inputs('invokeTool')).toHaveLength(2);
  });

  test('ends a paused step when it continues as new, so that a later deposit makes no call', async ({
    agents,
  }) => {
    const { userId, play } = agents.user({ invokeTool: [reauthRequired(seen(0)), completed] });
    const agent = await agents.start('hurryingAgent', { userId, taskQueue: agents.taskQueue }, CALL);
    const [step = ''] = await childrenOf(agent);
    await untilStep(agents.client, step, 'awaiting-input');
    await agent.signal('hurry');

    expect(await agent.result()).toEqual(DONE);
    await untilStep(agents.client, step, 'cancelled');
    expect(play.order).toEqual(expect.arrayContaining(['removeWaiter']));
    expect(play.inputs('invokeTool')).toHaveLength(2);
  });

  test('makes another step after a reset, which repeats an id', async ({ agents }) => {
    const { userId, play } = agents.user({ invokeTool: [completed, completed, completed] });
    const options = { userId, taskQueue: agents.taskQueue };
    const agent = await agents.start('callingAgent', options, [[CALL], [CALL]]);
    await agent.result();
    const { events } = await agent.fetchHistory();
    // The task that started the second step.
    const lastStart = (events ?? []).findLast(
      (event) => event.startChildWorkflowExecutionInitiatedEventAttributes,
    );
    const { workflowTaskCompletedEventId } =
      lastStart?.startChildWorkflowExecutionInitiatedEventAttributes ?? {};
    await agents.client.workflowService.resetWorkflowExecution({
      namespace: agents.client.options.namespace,
      workflowExecution: { workflowId: agent.workflowId },
      workflowTaskFinishEventId: workflowTaskCompletedEventId ?? null,
      requestId: agent.workflowId,
    });

    expect(await agents.client.workflow.getHandle(agent.workflowId).result()).toEqual([DONE, DONE]);
    expect(play.inputs('invokeTool')).toHaveLength(3);
  });

  test.for(['wait', 'return'] as const)(
    'ends its step when it is cancelled, with onPause %s',
    async (onPause, { agents }) => {
      const invocation = untilCancelled(lost);
      const { userId } = agents.user({ invokeTool: [invocation] });
      const agent = await agents.start('callingAgent', { userId, taskQueue: agents.taskQueue, onPause }, [
        [CALL],
      ]);
      const [stepId = ''] = await childrenOf(agent);
      await invocation.reached;
      await agent.cancel();

      await expect(agent.result()).rejects.toThrow();
      expect((await agent.describe()).status.name).toBe('CANCELLED');
      expect(await statusOf(agents.client, stepId)).not.toBe('RUNNING');
    },
  );

  test('is told when somebody else cancels or terminates its step', async ({ agents }) => {
    const { userId } = agents.user({ invokeTool: [reauthRequired(seen(0)), reauthRequired(seen(0))] });
    const options = { userId, taskQueue: agents.taskQueue };
    const agent = await agents.start('callingAgent', options, [[CALL, CALL]]);
    const steps = await childrenOf(agent, 2);
    await Promise.all(steps.map((id) => untilStep(agents.client, id, 'awaiting-input')));
    await agents.client.workflow.getHandle(steps[0] ?? '').cancel();
    await agents.client.workflow.getHandle(steps[1] ?? '').terminate();

    expect(await agent.result()).toMatchObject([
      { outcome: 'error', parts: [{ text: expect.stringContaining('was cancelled') }] },
      { outcome: 'error', parts: [{ text: expect.stringContaining('without a result') }] },
    ]);
  });
});

describe('an agent that does not wait for people', () => {
  test('is told what is missing after its step has ended', async ({ agents }) => {
    const { userId, play } = agents.user({ invokeTool: [reauthRequired(seen(0))] });
    const options = { userId, taskQueue: agents.taskQueue, onPause: 'return' as const };
    const agent = await agents.start('callingAgent', options, [[CALL]]);

    const answers = await agent.result();
    expect(answers).toMatchObject([
      { outcome: 'paused', parts: [{ text: expect.stringContaining(CONNECT_URL) }] },
    ]);
    const [stepId = ''] = await childrenOf(agent);
    expect(await statusOf(agents.client, stepId)).toBe('CANCELLED');
    const { timeline } = await untilStep(agents.client, stepId, 'cancelled');
    expect(timeline.at(-1)).toMatchObject({ event: 'cancelled' });
    // A deposit comes too late for this step, also for its waiter.
    expect(play.order).toEqual(['invokeTool', 'registerWaiter', 'removeWaiter']);
  });

  test('gets the result if its step was resumed before it could be taken back', async ({ agents }) => {
    const resumed = held(completed);
    const { userId, play } = agents.user({ invokeTool: [reauthRequired(seen(0)), resumed] });
    const options = { userId, taskQueue: agents.taskQueue, onPause: 'return' as const };
    const agent = await agents.start('callingAgent', options, [[CALL]]);
    const [stepId = ''] = await childrenOf(agent);
    await agents.pauseAgents();
    await untilStep(agents.client, stepId, 'awaiting-input');
    await deposit(agents.client, stepId, 1);
    await resumed.reached;
    // The agent now learns of the pause, and asks for the step back while its call is under way.
    await agents.resumeAgents();
    const events = await eventsAfterWithdrawal(agents.client.workflow.getHandle(stepId));
    resumed.release();
    expect(events.filter((event) => event.activityTaskCancelRequestedEventAttributes)).toEqual([]);

    expect(await agent.result()).toEqual([DONE]);
    expect(play.inputs('invokeTool')).toHaveLength(2);
  });

  test('is told of a pause for approval too', async ({ agents }) => {
    const { userId, play } = agents.user({});
    const agent = await agents.start(
      'callingAgent',
      {
        userId,
        taskQueue: agents.taskQueue,
        onPause: 'return',
        modes: { tools: { create_invoice: 'automated-with-confirmation' } },
      },
      [[CALL]],
    );

    expect(await agent.result()).toMatchObject([
      { outcome: 'paused', parts: [{ text: expect.stringContaining('needs-approval') }] },
    ]);
    expect(play.order).toEqual([]);
  });
});

describe('an agent that keeps its paused steps', () => {
  const KEEP = { onPause: 'return', afterReturn: 'keep' } as const;

  test.for(['callingAgent', 'relistingAgent'] as const)(
    'gets its result when the model repeats the call, and starts no other (%s)',
    async (type, { agents }) => {
      const between = held(completed);
      const { userId, play } = agents.user({ invokeTool: [reauthRequired(seen(0)), between, completed] });
      const options = { userId, taskQueue: agents.taskQueue, ...KEEP };
      const agent = await agents.start(type, options, [[CALL], [CALL], [OTHER], [CALL]]);
      const [kept = '', ...others] = await childrenOf(agent, 2);
      await between.reached;
      await deposit(agents.client, kept, 1);
      await agents.client.workflow.getHandle(kept).result();
      between.release();

      const paused = { outcome: 'paused', parts: [{ text: expect.stringContaining('is kept') }] };
      expect(await agent.result()).toMatchObject([paused, paused, DONE, DONE]);
      expect(others).toHaveLength(1);
      expect(play.inputs('invokeTool').map(({ tool }) => tool)).toEqual([
        'create_invoice',
        'send_reminder',
        'create_invoice',
      ]);
    },
  );

  test('ends the kept step when it is cancelled', async ({ agents }) => {
    const between = untilCancelled(lost);
    const { userId } = agents.user({ invokeTool: [reauthRequired(seen(0)), between] });
    const options = { userId, taskQueue: agents.taskQueue, ...KEEP };
    const agent = await agents.start('callingAgent', options, [[CALL], [OTHER]]);
    const [kept = ''] = await childrenOf(agent, 2);
    await between.reached;
    await agent.cancel();

    await expect(agent.result()).rejects.toThrow();
    await expect(agents.client.workflow.getHandle(kept).result()).rejects.toThrow();
    expect(await statusOf(agents.client, kept)).toBe('CANCELLED');
  });

  test('ends the kept step when a call that joined it is cancelled, and not with an earlier one', async ({
    agents,
  }) => {
    const [between, resumed] = [held(completed), untilCancelled(lost)];
    const { userId } = agents.user({ invokeTool: [reauthRequired(seen(0)), between, resumed] });
    const options = { userId, taskQueue: agents.taskQueue, ...KEEP };
    const agent = await agents.start('abortingAgent', options, CALL, OTHER);
    const [kept = ''] = await childrenOf(agent, 2);
    await between.reached;
    await deposit(agents.client, kept, 1);
    await resumed.reached;
    between.release();

    expect(await agent.result()).toEqual(['paused', expect.stringContaining('ChildWorkflowFailure')]);
    expect(await statusOf(agents.client, kept)).not.toBe('RUNNING');
  });

  test('is told when somebody withdraws the kept step', async ({ agents }) => {
    const between = held(completed);
    const { userId } = agents.user({ invokeTool: [reauthRequired(seen(0)), between] });
    const options = { userId, taskQueue: agents.taskQueue, ...KEEP };
    const agent = await agents.start('callingAgent', options, [[CALL], [OTHER], [CALL]]);
    const [kept = ''] = await childrenOf(agent, 2);
    await between.reached;
    await agents.client.workflow.getHandle(kept).signal(withdraw);
    await untilStep(agents.client, kept, 'cancelled');
    between.release();

    expect((await agent.result()).at(-1)).toMatchObject({
      outcome: 'error',
      parts: [{ text: expect.stringContaining('was cancelled') }],
    });
    expect(await statusOf(agents.client, kept)).toBe('CANCELLED');
  });

  test('leaves the kept step behind when it continues as new, and makes another one', async ({ agents }) => {
    const { userId, play } = agents.user({ invokeTool: [reauthRequired(seen(0)), completed, completed] });
    const options = { userId, taskQueue: agents.taskQueue, ...KEEP };
    const agent = await agents.start('continuingAgent', options, CALL);

    expect(await agent.result()).toMatchObject([{ outcome: 'paused' }, DONE]);
    const firstRun = agents.client.workflow.getHandle(agent.workflowId, agent.firstExecutionRunId);
    const [kept = ''] = await childrenOf(firstRun);
    await deposit(agents.client, kept, 1);
    expect(await agents.client.workflow.getHandle(kept).result()).toMatchObject({ status: 'success' });
    expect(play.inputs('invokeTool')).toHaveLength(3);
  });

  test('leaves the kept step behind, which runs when its user acts', async ({ agents }) => {
    const { userId, play } = agents.user({ invokeTool: [reauthRequired(seen(0)), completed] });
    const options = { userId, taskQueue: agents.taskQueue, ...KEEP };
    const agent = await agents.start('callingAgent', options, [[CALL]]);
    await agent.result();
    const [stepId = ''] = await childrenOf(agent);
    await deposit(agents.client, stepId, 1);

    expect(await agents.client.workflow.getHandle(stepId).result()).toMatchObject({ status: 'success' });
    expect(play.inputs('invokeTool')).toHaveLength(2);
  });
});

test('a step without a parent can not be withdrawn', async ({ agents }) => {
  const { userId } = agents.user({ invokeTool: [reauthRequired(seen(0)), completed] });
  const step = await agents.client.workflow.start('mcpStep', {
    taskQueue: agents.taskQueue,
    workflowId: `step/${userId}/s1`,
    args: [{ userId, ...CALL, notifyParent: true }],
  });
  await untilStep(agents.client, step.workflowId, 'awaiting-input');
  await step.signal(withdraw);
  await deposit(agents.client, step.workflowId, 1);

  expect(await step.result()).toMatchObject({ status: 'success' });
});

/** The events of a step from the request to be taken back on, as soon as the step has handled it. */
function eventsAfterWithdrawal(step: WorkflowHandle): Promise<HistoryEvents> {
  return vi.waitFor(
    async () => {
      const { events } = await step.fetchHistory();
      const from = (events ?? []).findIndex(
        (event) => event.workflowExecutionSignaledEventAttributes?.signalName === withdraw.name,
      );
      const later = from === -1 ? [] : (events ?? []).slice(from);
      if (!later.some((event) => event.workflowTaskCompletedEventAttributes)) throw new Error('not yet');
      return later;
    },
    { timeout: 50_000, interval: 20 },
  );
}

type HistoryEvents = NonNullable<Awaited<ReturnType<WorkflowHandle['fetchHistory']>>['events']>;
