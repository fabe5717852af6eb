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
  /**
   * Resolves when the step has ended or is paused. If the scope of this wait is cancelled, the step is cancelled and its
   * end is awaited; the scopes of earlier waits do nothing to it.
   *
   * @throws CancelledFailure or ChildWorkflowFailure if the scope was cancelled
   */
  next(): Promise<AgentStepOutcome>;
}

/**
 * Starts a step that outlives the agent: it stays until its deadline. It is cancelled if the agent is, or if somebody
 * withdraws it.
 */
export function startKeptStep(step: StepOfAgent, options: StepOptions): KeptStep {
  const scope = new CancellationScope({ cancellable: true, parent: rootScope() });
  let pause: Pause | undefined;
  let hasEnded = false;
  setHandler(stepNotice(step.stepId), (notice) => {
    pause = notice.event === 'paused' ? notice : undefined;
    if (notice.event === 'withdrawn') scope.cancel();
  });
  const running = scope.run(() =>
    runMcpStep({ ...step, notifyParent: true }, { ...options, outlivesParent: true }),
  );
  const mark = () => {
    hasEnded = true;
  };
  running.then(mark, mark);
  return {
    async next() {
      const waiting = CancellationScope.current();
      const isPaused = () => !hasEnded && pause !== undefined && !waiting.consideredCancelled;
      const stopCancelling = whenCancelled(waiting, () => scope.cancel());
      await CancellationScope.nonCancellable(() => condition(() => hasEnded || isPaused()));
      stopCancelling();
      return isPaused() && pause ? { kind: 'paused', pause, isKept: true } : settle(running);
    },
  };
}

// A kept step has no scope of its call around it, because that may be cancelled while another call waits for the step.
function rootScope(): CancellationScope {
  let scope = CancellationScope.current();
  while (scope.parent !== undefined) scope = scope.parent;
  return scope;
}

/** Calls `react` if the scope is cancelled. Returns the function that ends this. */
function whenCancelled(scope: CancellationScope, react: () => void): () => void {
  let isListening = true;
  void scope.cancelRequested.catch(() => {
    if (isListening && scope.consideredCancelled) react();
  });
  return () => {
    isListening = false;
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
