import { randomBytes } from 'node:crypto';
import { Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { StepView } from '../../src/contracts/step.ts';
import { createLogger } from '../../src/logging/logger.ts';
import { setUpTemporal } from '../../src/temporal/setup.ts';
import { createTestNamespace } from '../support/temporal.ts';
import { createWorld, type World } from '../support/world.ts';
import { startWebhookReceiver, type TestReceiver } from '../tool-calls/webhook-receiver.ts';
import { type RawContents, rawContents } from './raw-payloads.ts';

/** In everything that a user, a tool or a decision says. */
const SECRET = 'confidential-content';
/** What the server says of failures by itself, and what stands where a message is encrypted. */
const OPEN_FAILURES = ['Encoded failure', 'Activity task failed', 'activity error'];
const webhookSecret = `whsec_${randomBytes(32).toString('base64')}`;

let receiver: TestReceiver;
let world: World;
let kept: RawContents;
let workflows: Set<string>;

beforeAll(async () => {
  receiver = await startWebhookReceiver([webhookSecret]);
  ({ world, kept, workflows } = await playWith([{ id: 'p1', bytes: Uint8Array.from(randomBytes(32)) }]));
}, 180_000);

afterAll(async () => {
  await world.stop();
  await receiver.close();
});

describe('with PAYLOAD_KEYS', () => {
  test('every payload that Temporal holds of every workflow is encrypted', () => {
    expect([...workflows].sort()).toEqual(['deliverWebhook', 'mcpStep', 'reconcile', 'resumeSteps']);
    expect(kept.encodings.length).toBeGreaterThan(60);
    expect(kept.encodings.filter(([, encoding]) => encoding !== 'binary/encrypted')).toEqual([]);
  });

  test.each([
    ['input of a workflow', 'workflowExecutionStartedEventAttributes.input'],
    ['memo at its start', 'workflowExecutionStartedEventAttributes.memo'],
    ['memo it writes', 'workflowPropertiesModifiedEventAttributes.upsertedMemo'],
    ['memo in a list', 'listed.memo'],
    ['input of an activity', 'activityTaskScheduledEventAttributes.input'],
    ['result of an activity', 'activityTaskCompletedEventAttributes.result'],
    ['result of a workflow', 'workflowExecutionCompletedEventAttributes.result'],
    ['signal', 'workflowExecutionSignaledEventAttributes.input'],
    ['request of an update', 'workflowExecutionUpdateAcceptedEventAttributes.acceptedRequest'],
    ['answer to an update', 'workflowExecutionUpdateCompletedEventAttributes.outcome.success'],
    [
      'failure of an update',
      'workflowExecutionUpdateCompletedEventAttributes.outcome.failure.encodedAttributes',
    ],
    ['failure of an activity that is tried again', 'pendingActivities.0.lastFailure.encodedAttributes'],
    ['heartbeat', 'pendingActivities.0.heartbeatDetails'],
    ['answer to a query', 'queried.queryResult'],
    ['current details', 'details.queryResult'],
    ['summary of an activity or a timer', 'userMetadata.summary'],
  ])('among them the %s', (_, place) => {
    expect(kept.encodings.map(([path]) => path).filter((path) => path.includes(place))).not.toEqual([]);
  });

  test('no failure holds clear text', () => {
    expect(kept.failures).toContain('Encoded failure');
    expect(kept.failures.filter((text) => !OPEN_FAILURES.includes(text))).toEqual([]);
  });

  test('none of the known texts is in clear anywhere', () => {
    expect(kept.texts.filter((text) => text.includes(SECRET))).toEqual([]);
  });
});

test('without PAYLOAD_KEYS all of the texts are found in clear (negative control)', async () => {
  const plain = await playWith('none');

  expect(new Set(plain.kept.encodings.map(([, encoding]) => encoding))).toEqual(
    new Set(['json/plain', 'binary/null']),
  );
  expect(plain.kept.encodings.length).toBeGreaterThan(60);
  expect(plain.kept.texts.filter((text) => text.includes(SECRET)).length).toBeGreaterThan(10);
  expect(plain.kept.failures.filter((text) => !OPEN_FAILURES.includes(text))).not.toEqual([]);
  await plain.world.stop();
}, 180_000);

/** Plays a step of each kind in a namespace of its own, and gathers what Temporal has of it. */
async function playWith(payloadKeys: { id: string; bytes: Uint8Array }[] | 'none') {
  const namespace = await createTestNamespace();
  const webhooks = { url: receiver.url, secrets: [webhookSecret] };
  const played = await createWorld({ namespace, payloadKeys, webhooks });
  const user = played.users.newUser();
  await played.users.connect(user);
  const live = [await playApproval(played, user), await playToolError(played, user)];
  live.push(await playHeartbeats(played, user), await playRefresh(played));
  await playReauthorization(played);
  await reconcileNow(played);
  return { world: played, ...(await everythingKept(played, live)) };
}

/** Edited arguments, a refused edit, a decider's name, and what the tool answers to it. */
async function playApproval(played: World, user: string): Promise<unknown[]> {
  const step = await played.steps.start(user, {
    title: `title ${SECRET}`,
    mode: 'automated-with-confirmation',
    arguments: { customer: SECRET, amount: 1 },
  });
  await played.steps.until(user, step.stepId, 'awaiting-input');
  const seen = await askRaw(played, step);
  const refused = await played.steps.approve(user, step.stepId, { arguments: { [SECRET]: 'x' } });
  expect(refused.kind).toBe('invalid');
  const edited = { arguments: { customer: `${SECRET} edited`, amount: 2 } };
  expect((await played.steps.approve(user, step.stepId, edited, `by ${SECRET}`)).kind).toBe('applied');
  const result = await played.steps.result(step);
  expect(JSON.stringify(result)).toContain(`${SECRET} edited`);
  return [seen, await askRaw(played, step)];
}

async function playToolError(played: World, user: string): Promise<unknown[]> {
  const step = await played.steps.start(user, {
    tool: 'fail',
    arguments: { message: `tool says ${SECRET}` },
  });
  expect(await played.steps.result(step)).toMatchObject({ status: 'error', error: { code: 'tool-error' } });
  return [await askRaw(played, step)];
}

async function playHeartbeats(played: World, user: string): Promise<unknown[]> {
  const hold = played.mcpServer.control.interceptTools({ do: 'hold-after-execution' }, { user });
  const step = await played.steps.start(user, {
    tool: 'slow_report',
    arguments: { durationMs: 20, steps: 4 },
  });
  const described = await pending(played, step, ({ heartbeatDetails }) => heartbeatDetails);
  hold.release();
  await played.steps.result(step);
  return [described];
}

/** A token endpoint that is down: the renewal fails and is tried again. */
async function playRefresh(played: World): Promise<unknown[]> {
  const user = played.users.newUser();
  await played.users.connect(user);
  played.authorizationServer.control.expireAccessTokens(user);
  const down = { do: 'answer-before-processing', status: 503, body: SECRET } as const;
  const outage = played.authorizationServer.control.interceptTokenRequests(down, {
    accountId: user,
    times: Number.POSITIVE_INFINITY,
  });
  const step = await played.steps.start(user);
  const described = await pending(played, step, ({ lastFailure }) => lastFailure);
  outage.release();
  await played.steps.result(step);
  return [described];
}

async function playReauthorization(played: World): Promise<void> {
  const user = played.users.newUser();
  const step = await played.steps.start(user);
  await played.steps.until(user, step.stepId, 'awaiting-input');
  await played.users.connect(user);
  await played.steps.result(step);
  await receiver.received(user, 2);
}

async function reconcileNow(played: World): Promise<void> {
  const { client } = played.temporal;
  const connection = await Connection.connect({ address: played.temporal.address });
  await setUpTemporal(client, connection, {
    taskQueue: played.config.taskQueue,
    logger: createLogger({ level: 'silent' }),
  });
  await connection.close();
  // It would start its workflow at the next five minutes of the clock.
  await client.schedule.getHandle('latchkey-renew-idle').delete();
  const schedule = client.schedule.getHandle('latchkey-reconcile');
  await schedule.trigger();
  await vi.waitFor(
    async () => {
      const { info } = await schedule.describe();
      const [action] = info.recentActions;
      if (action?.action.type !== 'startWorkflow') throw new Error('nothing has been started yet');
      const { workflowId } = action.action.workflow;
      expect((await client.workflow.getHandle(workflowId).describe()).status.name).toBe('COMPLETED');
    },
    { timeout: 20_000, interval: 200 },
  );
  await schedule.delete();
}

/** What the server sends in answer to the queries that Latchkey and Temporal's own UI ask. */
async function askRaw(
  { temporal: { client, namespace } }: World,
  { workflowId }: StepView,
): Promise<unknown> {
  const ask = (queryType: string) =>
    client.workflowService.queryWorkflow({ namespace, execution: { workflowId }, query: { queryType } });
  return { queried: await ask('step'), details: await ask('__temporal_workflow_metadata') };
}

type Pending = NonNullable<Awaited<ReturnType<typeof describeRaw>>['pendingActivities']>[number];

/** The step's description as soon as an activity under way has what is looked for. */
async function pending(
  played: World,
  step: StepView,
  part: (activity: Pending) => unknown,
): Promise<unknown> {
  return vi.waitFor(
    async () => {
      const described = await describeRaw(played, step);
      if (described.pendingActivities?.some(part)) return described;
      throw new Error('no activity has it yet');
    },
    { timeout: 20_000, interval: 100 },
  );
}

async function describeRaw({ temporal: { client } }: World, { workflowId }: StepView) {
  return (await client.workflow.getHandle(workflowId).describe()).raw;
}

async function everythingKept(played: World, live: unknown) {
  const { client } = played.temporal;
  // Visibility is eventually consistent.
  const completed = async (type: string) =>
    (await client.workflow.count(`WorkflowType = '${type}' AND ExecutionStatus = 'Completed'`)).count;
  await vi.waitFor(
    async () => {
      expect(await completed('mcpStep')).toBe(5);
      expect(await completed('reconcile')).toBeGreaterThan(0);
    },
    { timeout: 30_000 },
  );
  const all: unknown[] = [live];
  const types = new Set<string>();
  for await (const { workflowId, runId, type, raw: listed } of client.workflow.list()) {
    types.add(type);
    const handle = client.workflow.getHandle(workflowId, runId);
    all.push({ listed, described: (await handle.describe()).raw, history: await handle.fetchHistory() });
  }
  return { kept: rawContents(all), workflows: types };
}
