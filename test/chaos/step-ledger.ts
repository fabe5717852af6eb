import type { StepRequest, StepView } from '../../src/contracts/step.ts';
import type { DemoCall } from '../../src/dev/embedded/demo-tool-calls.ts';

export type StartedStep = StepRequest & { stepId: string; userId: string; round: number };

/** What is wrong with a step in the end. */
export interface Fault {
  kind: 'lost' | 'doubled';
  step: StartedStep;
  detail: string;
}

/** Every step that was started, what became of it, and what it should have become. */
export interface StepLedger {
  add(step: StartedStep): void;
  /** Somebody said that a call whose outcome is unknown has failed: the step may end as that error. */
  givenUp(stepId: string): void;
  ended(view: StepView): void;
  open(): StartedStep[];
  find(stepId: string): StartedStep | undefined;
  readonly steps: readonly StartedStep[];
  readonly views: readonly StepView[];
  askedAboutOutcome(): number;
  pausesForUsers(): number;
  faults(calls: readonly DemoCall[]): Fault[];
}

const OVER = new Set(['success', 'error', 'skipped', 'cancelled']);

export function createStepLedger(): StepLedger {
  const steps = new Map<string, StartedStep>();
  const views = new Map<string, StepView>();
  const abandoned = new Set<string>();
  const count = (reason: string) =>
    [...views.values()].flatMap((view) => view.timeline.filter((entry) => entry.reason === reason)).length;

  return {
    add: (step) => void steps.set(step.stepId, step),
    givenUp: (stepId) => void abandoned.add(stepId),
    ended(view) {
      if (OVER.has(view.status)) views.set(view.stepId, view);
    },
    open: () => [...steps.values()].filter(({ stepId }) => !views.has(stepId)),
    find: (stepId) => steps.get(stepId),
    get steps() {
      return [...steps.values()];
    },
    get views() {
      return [...views.values()];
    },
    askedAboutOutcome: () => count('outcome-unknown'),
    pausesForUsers: () => count('needs-oauth-reauth'),
    faults(calls) {
      const runs = runsOfSteps(calls);
      return [...steps.values()].flatMap((step) => {
        const view = views.get(step.stepId);
        const mayFail = abandoned.has(step.stepId);
        return [lostness(step, view, mayFail, runs), doubling(step, view, runs)].filter(isFault);
      });
    },
  };
}

function lostness(
  step: StartedStep,
  view: StepView | undefined,
  mayFail: boolean,
  runs: ReadonlyMap<string, number>,
): Fault | undefined {
  const lost = (detail: string): Fault => ({ kind: 'lost', step, detail });
  if (view === undefined) return lost('never ended');
  if (mayFail && view.error?.code === 'outcome-unknown') return undefined;
  if (view.status !== 'success') return lost(`ended as ${view.status}: ${JSON.stringify(view.error)}`);
  if (isNamedInCall(step) && runsOf(step, runs) === 0) return lost('succeeded although its tool never ran');
  return undefined;
}

function doubling(
  step: StartedStep,
  view: StepView | undefined,
  runs: ReadonlyMap<string, number>,
): Fault | undefined {
  const hasSideEffect = step.sideEffects === 'unsafe' || step.sideEffects === 'auto';
  const says = view?.timeline.some((entry) => entry.reason === 'outcome-unknown') ?? false;
  const count = runsOf(step, runs);
  if (!hasSideEffect || says || count <= 1) return undefined;
  return { kind: 'doubled', step, detail: `its tool ran ${count} times, and the step does not say so` };
}

function isFault(fault: Fault | undefined): fault is Fault {
  return fault !== undefined;
}

/** How often each step's tool ran, by the argument that names the step. */
export function runsOfSteps(calls: readonly DemoCall[]): Map<string, number> {
  const runs = new Map<string, number>();
  for (const call of calls) {
    const name = nameIn(call.arguments);
    if (name !== undefined) runs.set(name, (runs.get(name) ?? 0) + 1);
  }
  return runs;
}

function runsOf({ stepId }: StartedStep, runs: ReadonlyMap<string, number>): number {
  return runs.get(stepId) ?? 0;
}

function isNamedInCall(step: StartedStep): boolean {
  return nameIn(step.arguments ?? {}) === step.stepId;
}

function nameIn(args: Record<string, unknown>): string | undefined {
  const name = args.customer ?? args.to;
  return typeof name === 'string' ? name : undefined;
}
