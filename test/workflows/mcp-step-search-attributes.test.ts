import { defaultPayloadConverter } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mcpServerIdAttribute, mcpStepStatus, mcpUserId } from '../../src/contracts/search-attributes.ts';
import { quietTemporal } from '../support/quiet-temporal.ts';
import { connectTemporal, createTestNamespace, type TestTemporal } from '../support/temporal.ts';
import { completed, RESULT, reauthRequired, seen } from './outcomes.ts';
import type { Script } from './scripted-activities.ts';
import {
  createScriptedSteps,
  INPUT,
  type ScriptedStep,
  type ScriptedSteps,
  type StartOptions,
} from './scripted-steps.ts';

const SUCCESS = { status: 'success', result: RESULT };
const OTHERS = [
  { key: mcpServerIdAttribute, value: INPUT.mcpServerId },
  { key: mcpUserId, value: INPUT.userId },
];
const ATTRIBUTES = { typedSearchAttributes: [{ key: mcpStepStatus, value: 'running' }, ...OTHERS] };
const PAUSED_ONCE: Script = { invokeTool: [reauthRequired(seen(1)), completed] };

// The time-skipping server keeps search attributes without checking whether they are registered.
const opened: { temporal: TestTemporal; steps: ScriptedSteps }[] = [];
let registered: ScriptedSteps;
let unregistered: ScriptedSteps;

beforeAll(async () => {
  quietTemporal();
  const startSteps = async (attributes?: string[]) => {
    const temporal = await connectTemporal(await createTestNamespace(attributes));
    const steps = createScriptedSteps(temporal);
    opened.push({ temporal, steps });
    await steps.startWorker();
    return steps;
  };
  [registered, unregistered] = await Promise.all([startSteps(), startSteps([])]);
});

afterAll(() =>
  Promise.all(
    opened.map(async ({ temporal, steps }) => {
      await steps.stop();
      await temporal.close();
    }),
  ),
);

describe('a step that was started with its status as a search attribute', () => {
  test('leaves it alone when it succeeds: 11 events', async () => {
    const step = await registered.start({ invokeTool: [completed] }, ATTRIBUTES);

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);

    expect(await step.events()).toHaveLength(11);
    expect(await statusOf(step)).toBe('running');
  });

  test('says when it waits for its user and when it goes on', async () => {
    const step = await registered.start(PAUSED_ONCE, ATTRIBUTES);
    await step.until('awaiting-input');
    // Its worker may tell of the pause before Temporal knows.
    await expect.poll(() => statusOf(step)).toBe('awaiting-input');

    await step.deposit(2);
    await expect(step.result()).resolves.toStrictEqual(SUCCESS);

    expect(await upsertsOf(step)).toStrictEqual(['awaiting-input', 'running']);
  });

  test('keeps its server and its user', async () => {
    const step = await registered.start(PAUSED_ONCE, ATTRIBUTES);
    await step.until('awaiting-input');

    const { typedSearchAttributes } = await step.handle.describe();

    expect(typedSearchAttributes.get(mcpServerIdAttribute)).toBe(INPUT.mcpServerId);
    expect(typedSearchAttributes.get(mcpUserId)).toBe(INPUT.userId);
    await step.deposit(2);
    await step.result();
  });

  test('says that it ended as an error', async () => {
    const failed = { kind: 'failed', code: 'unknown-tool', message: 'no such tool' } as const;
    const step = await registered.start({ invokeTool: [failed] }, ATTRIBUTES);
    await step.result();

    expect(await upsertsOf(step)).toStrictEqual(['error']);
  });

  test('says that its input was bad', async () => {
    const step = await registered.start({}, { ...ATTRIBUTES, args: [null] });
    await step.result();

    expect(await upsertsOf(step)).toStrictEqual(['error']);
  });

  test('says that it was cancelled', async () => {
    const step = await registered.start(PAUSED_ONCE, ATTRIBUTES);
    await step.until('awaiting-input');

    await step.handle.cancel();

    expect(await step.closed()).toBe('CANCELLED');
    expect(await upsertsOf(step)).toStrictEqual(['awaiting-input', 'cancelled']);
  });
});

describe('a step that was started without its status as a search attribute', () => {
  const starts: [string, () => ScriptedSteps, StartOptions][] = [
    ['where it is not registered', () => unregistered, {}],
    ['though it is registered', () => registered, {}],
    ['but with other attributes', () => registered, { typedSearchAttributes: OTHERS }],
  ];

  test.each(starts)('%s never writes it', async (_, steps, options) => {
    const step = await steps().start(PAUSED_ONCE, options);
    await step.until('awaiting-input');
    await step.deposit(2);

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);

    expect(await upsertsOf(step)).toStrictEqual([]);
    expect(await step.events()).not.toContain('workflowTaskFailed');
  });

  test.each(starts)('%s never writes it when it ends badly', async (_, steps, options) => {
    const cancelled = await steps().start(PAUSED_ONCE, options);
    await cancelled.until('awaiting-input');
    await cancelled.handle.cancel();
    const refused = await steps().start({}, { ...options, args: [null] });

    expect(await cancelled.closed()).toBe('CANCELLED');
    expect(await refused.closed()).toBe('COMPLETED');
    for (const step of [cancelled, refused]) {
      expect(await upsertsOf(step)).toStrictEqual([]);
      expect(await step.events()).not.toContain('workflowTaskFailed');
    }
  });
});

async function statusOf(step: ScriptedStep): Promise<string | undefined> {
  return (await step.handle.describe()).typedSearchAttributes.get(mcpStepStatus);
}

/** The statuses that the step has written, in order. */
async function upsertsOf(step: ScriptedStep): Promise<unknown[]> {
  const { events } = await step.handle.fetchHistory();
  return (events ?? []).flatMap((event) => {
    const fields = event.upsertWorkflowSearchAttributesEventAttributes?.searchAttributes?.indexedFields;
    const status = fields?.[mcpStepStatus.name];
    return status ? [defaultPayloadConverter.fromPayload(status)] : [];
  });
}
