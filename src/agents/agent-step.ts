/**
 * One step of an agent, as a child of the agent's workflow, until it has ended or, if the agent does not wait for
 * people, until it pauses.
 */
import {
  CancellationScope,
  ChildWorkflowFailure,
  condition,
  getExternalWorkflowHandle,
  isCancellation,
  setHandler,
} from '@temporalio/workflow';
import { type StepNotice, stepNotice, withdraw } from '../contracts/messages.ts';
import type { McpStepInput, McpStepResult } from '../contracts/step.ts';
import { stepWorkflowId } from '../contracts/step-workflow-id.ts';
import { type RunMcpStepOptions, runMcpStep } from '../workflows/run-mcp-step.ts';

export type Pause = Extract<StepNotice, { event: 'paused' }>;

/** How a step ended, or that it pauses. */
export type AgentStepOutcome =
  | { kind: 'ended'; result: McpStepResult }
  | { kind: 'paused'; pause: Pause; isKept: boolean }
  /** Somebody else cancelled it. */
  | { kind: 'cancelled' }
  /** Its workflow was terminated, timed out or failed. */
  | { kind: 'broken' };

export type StepOfAgent = McpStepInput & { stepId: string };

type StepOptions = Pick<RunMcpStepOptions, 'taskQueue' | 'searchAttributes'>;

/**
 * Runs a step to its end.
 *
 * @throws CancelledFailure or ChildWorkflowFailure if the agent was cancelled
 * @throws WorkflowExecutionAlreadyStartedError if the user has, or had, a step with this id
 */
export function runToEnd(step: StepOfAgent, options: StepOptions): Promise<AgentStepOutcome> {
  return settle(runMcpStep(step, options));
}

/**
 * Runs a step to its end, and ends it if it pauses. The pause is returned after the step has ended, so that nothing
 * resumes it any more. If it was resumed first, its result is returned.
 *
 * @throws CancelledFailure or ChildWorkflowFailure if the agent was cancelled
 * @throws WorkflowExecutionAlreadyStartedError if the user has, or had, a step with this id
 */
export async function runUntilPaused(step: StepOfAgent, options: StepOptions): Promise<AgentStepOutcome> {
  const scope = new CancellationScope();
  let pause: Pause | undefined;
  let isWithdrawn = false;
  setHandler(stepNotice(step.stepId), (notice) => {
    if (notice.event === 'paused') {
      pause = notice;
      requestWithdrawal(step);
    }
    if (notice.event === 'withdrawn') {
      isWithdrawn = true;
      scope.cancel();
    }
  });
  const outcome = await settle(scope.run(() => runMcpStep({ ...step, notifyParent: true }, options)));
  return outcome.kind === 'cancelled' && isWithdrawn && pause
    ? { kind: 'paused', pause, isKept: false }
    : outcome;
}

// It fails if the step has ended. Then its result is on the way.
function requestWithdrawal({ userId, stepId }: StepOfAgent): void {
  const handle = getExternalWorkflowHandle(stepWorkflowId(userId, stepId));
  void handle.signal(withdraw).catch(() => undefined);
}

/** A step that the agent may stop waiting for, and wait for again. */
export interface KeptStep {
  /** Resolves when the step has ended or is paused. */
  next(): Promise<AgentStepOutcome>;
}

/** Starts a step that outlives the agent: it stays until its deadline. It is cancelled if the agent is. */
export function startKeptStep(step: StepOfAgent, options: StepOptions): KeptStep {
  let pause: Pause | undefined;
  let hasEnded = false;
  setHandler(stepNotice(step.stepId), (notice) => {
    pause = notice.event === 'paused' ? notice : undefined;
  });
  const ended = settle(runMcpStep({ ...step, notifyParent: true }, { ...options, outlivesParent: true }));
  const mark = () => {
    hasEnded = true;
  };
  ended.then(mark, mark);
  return {
    async next() {
      // Not cancellable: a cancellation of the agent cancels the step, and its end is awaited.
      await CancellationScope.nonCancellable(() => condition(() => hasEnded || pause !== undefined));
      return hasEnded || pause === undefined ? ended : { kind: 'paused', pause, isKept: true };
    },
  };
}

async function settle(running: Promise<McpStepResult>): Promise<AgentStepOutcome> {
  try {
    return { kind: 'ended', result: await running };
  } catch (error) {
    if (CancellationScope.current().consideredCancelled) throw error;
    if (isCancellation(error)) return { kind: 'cancelled' };
    if (error instanceof ChildWorkflowFailure) return { kind: 'broken' };
    throw error;
  }
}
