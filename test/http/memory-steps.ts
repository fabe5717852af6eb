import { isDeepStrictEqual } from 'node:util';
import type { McpStepInput, StepView } from '../../src/contracts/step.ts';
import { stepWorkflowId } from '../../src/contracts/step-workflow-id.ts';
import { statusOfReason } from '../../src/steps/list-all-steps.ts';
import { InvalidCursor } from '../../src/steps/list-cursor.ts';
import { longestWaitingFirst, needsDecision } from '../../src/steps/list-undecided.ts';
import type { StepKey } from '../../src/steps/read-step.ts';
import type { DecisionOutcome } from '../../src/steps/send-decision.ts';
import type { StepClient } from '../../src/steps/step-client.ts';
import type { StepDecision } from '../../src/steps/step-decisions.ts';

export interface MemorySteps extends StepClient {
  /** The inputs of the started steps, in order. */
  started: (McpStepInput & { stepId: string })[];
  /** The decisions, in order. */
  decided: { what: string; args: unknown[] }[];
  /** The outcome of a decision about a known step. Default: `applied`. */
  decisionOutcome: DecisionOutcome | undefined;
  /** Whether a worker answers for the steps. Default: true. */
  isAnswered: boolean;
  /** What `show` reports as the arguments of each step, by its id. Default: those of its start. */
  edited: Map<string, Record<string, unknown>>;
  /** The signals of the waits under way. */
  waiting: Set<AbortSignal>;
  /** Changes a step and wakes its waiting requests. */
  change(userId: string, stepId: string, change: Partial<StepView>): void;
}

/**
 * Steps for the routes' tests alone: it keeps what the interface promises about users, ids and waiting, and
 * runs nothing. The client over Temporal has tests of its own.
 */
export function createMemorySteps(): MemorySteps {
  const views = new Map<string, StepView>();
  const inputs = new Map<string, McpStepInput>();
  const wakers = new Map<string, Set<() => void>>();
  const started: MemorySteps['started'] = [];
  const waiting: MemorySteps['waiting'] = new Set();
  const get = ({ userId, stepId }: StepKey) => views.get(stepWorkflowId(userId, stepId));
  const change: MemorySteps['change'] = (userId, stepId, changes) => {
    const id = stepWorkflowId(userId, stepId);
    const step = views.get(id);
    if (step) views.set(id, { ...step, ...changes });
    for (const wake of wakers.get(id) ?? []) wake();
  };
  const decided: MemorySteps['decided'] = [];
  const decide =
    (what: string) =>
    async ({
      userId,
      stepId,
      message,
      by,
    }: StepDecision & { message?: unknown }): Promise<DecisionOutcome> => {
      const step = get({ userId, stepId });
      if (step === undefined) return { kind: 'not-found' };
      decided.push({ what, args: [userId, stepId, message, by] });
      return memory.decisionOutcome ?? { kind: 'applied', step };
    };
  const memory: MemorySteps = {
    started,
    decided,
    decisionOutcome: undefined,
    approve: decide('approve'),
    reject: decide('reject'),
    resolve: decide('resolve'),
    async resolveMany({ by, ...many }) {
      decided.push({ what: 'resolveMany', args: [many, by] });
      return { resolved: 2, skipped: 1, failed: 0 };
    },
    waiting,
    change,
    async start(input) {
      const id = stepWorkflowId(input.userId, input.stepId);
      const step = views.get(id);
      if (step)
        return isDeepStrictEqual(inputs.get(id), input) ? { kind: 'existing', step } : { kind: 'conflict' };
      started.push(input);
      inputs.set(id, input);
      const view = viewOf(input);
      views.set(id, view);
      return { kind: 'started', step: view };
    },
    get: async (step) => get(step),
    isAnswered: true,
    edited: new Map(),
    async show(key) {
      const step = get(key);
      if (step === undefined) return undefined;
      const input = inputs.get(stepWorkflowId(key.userId, key.stepId));
      const args = memory.edited.get(key.stepId) ?? input?.arguments ?? {};
      return { step, isAnswered: memory.isAnswered, arguments: args };
    },
    summarize: async (step) => get(step),
    async waitForChange({ userId, stepId, timeoutMs, signal }) {
      const id = stepWorkflowId(userId, stepId);
      if (!views.has(id)) return undefined;
      if (signal) waiting.add(signal);
      await new Promise<void>((resolve) => {
        setTimeout(resolve, timeoutMs).unref();
        signal?.addEventListener('abort', () => resolve());
        wakers.set(id, (wakers.get(id) ?? new Set()).add(resolve));
      });
      if (signal) waiting.delete(signal);
      signal?.throwIfAborted();
      return views.get(id);
    },
    async list({ userId, status, mcpServerId, limit, cursor }) {
      if (cursor !== undefined && !/^\d+$/.test(cursor)) throw new InvalidCursor();
      const own = started.filter((input) => input.userId === userId);
      const steps = own.flatMap((input) => get(input) ?? []);
      const fitting = steps
        .filter((step) => status === undefined || step.status === status)
        .filter((step) => mcpServerId === undefined || step.mcpServerId === mcpServerId);
      const end = Number(cursor ?? 0) + limit;
      return {
        steps: fitting.slice(Number(cursor ?? 0), end),
        ...(end < fitting.length && { nextCursor: String(end) }),
      };
    },
    async listAll({ userId, mcpServerId, limit, withContent, ...filter }) {
      const status = statusOfReason(filter);
      const steps = started.flatMap((input) => {
        const step = get(input);
        return step ? [{ ...step, userId: input.userId, input }] : [];
      });
      const fitting = steps
        .filter((step) => userId === undefined || step.userId === userId)
        .filter((step) => mcpServerId === undefined || step.mcpServerId === mcpServerId)
        .filter((step) => status === undefined || step.status === status);
      return {
        steps: fitting.slice(0, limit).map(({ input, result, timeline: _, pending: __, ...step }) => ({
          ...step,
          ...(withContent && {
            content: { arguments: input.arguments ?? {}, ...(result !== undefined && { result }) },
          }),
        })),
      };
    },
    async listUndecided({ userId, limit }) {
      const own = started.filter((input) => input.userId === userId).flatMap((input) => get(input) ?? []);
      const undecided = longestWaitingFirst(
        own.filter(({ awaitingInputReason }) => needsDecision(awaitingInputReason)),
      );
      return { steps: undecided.slice(0, limit), isCut: undecided.length > limit };
    },
    async cancel({ userId, stepId }) {
      if (get({ userId, stepId }) === undefined) return false;
      change(userId, stepId, { status: 'cancelled' });
      return true;
    },
  };
  return memory;
}

function viewOf({
  userId,
  stepId,
  mcpServerId,
  account = 'default',
  tool,
  title,
}: McpStepInput & { stepId: string }): StepView {
  const now = new Date().toISOString();
  return {
    stepId,
    workflowId: stepWorkflowId(userId, stepId),
    mcpServerId,
    account,
    tool,
    ...(title !== undefined && { title }),
    mode: 'fully-automated',
    status: 'running',
    timeline: [{ at: now, event: 'started' }],
    createdAt: now,
    updatedAt: now,
  };
}
