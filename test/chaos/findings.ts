import type { ChaosWorld } from './chaos-world.ts';
import { type JudgedLoss, judgeLosses, type WindowHit, windowHits } from './loss-judgement.ts';
import { type Fault, runsOfSteps, type StepLedger } from './step-ledger.ts';

export interface PlayedRound {
  round: number;
  scenario: string;
  /** Milliseconds since the epoch. */
  startedAt: number;
}

/** One line of the table: a kind of fault and what came of it. */
export interface FaultRow {
  fault: string;
  rounds: number;
  /** Refreshes that the authorization server granted. */
  grants: number;
  avoidableLosses: number;
  unavoidableLosses: number;
  /** Kills, and freezes beyond a lease, between a refresh and the storing of its answer: the bound of the above. */
  killsInWindow: number;
  steps: number;
  stepsLost: number;
  callsDoubled: number;
}

export interface Findings {
  rows: FaultRow[];
  total: FaultRow;
  losses: JudgedLoss[];
  hits: WindowHit[];
  stepFaults: Fault[];
  sleepingWaiters: string[];
  /** Pauses until a user reconnected; all of them woke unless a step was lost. */
  pauses: number;
  outcomeUnknown: number;
  toolRuns: number;
  crashes: readonly string[];
  oddAnswers: readonly string[];
  strangers: number;
  /** There was no time for so many of the rounds that a run must have. */
  roundsMissing: number;
}

export function findingsOf(
  world: ChaosWorld,
  stepLedger: StepLedger,
  rounds: readonly PlayedRound[],
  sleepingWaiters: string[],
): Findings {
  const evidence = { ...world.ledger, ...world.fleet };
  const losses = judgeLosses(evidence);
  const hits = windowHits(evidence);
  const stepFaults = stepLedger.faults(world.mcpServer.calls());
  const facts = { losses, hits, stepFaults, stepLedger, presentations: world.ledger.presentations };
  const scenarios = [...new Set(rounds.map(({ scenario }) => scenario))];
  return {
    rows: scenarios.map((scenario) => rowOf(scenario, rounds, facts)),
    total: rowOf(undefined, rounds, facts),
    losses,
    hits,
    stepFaults,
    sleepingWaiters,
    pauses: stepLedger.pausesForUsers(),
    outcomeUnknown: stepLedger.askedAboutOutcome(),
    toolRuns: [...runsOfSteps(world.mcpServer.calls()).values()].reduce((sum, runs) => sum + runs, 0),
    crashes: world.fleet.crashes,
    oddAnswers: world.caller.oddAnswers,
    strangers: world.gate.strangers(),
    roundsMissing: 0,
  };
}

/** @param scenario undefined: all of them */
function rowOf(
  scenario: string | undefined,
  rounds: readonly PlayedRound[],
  facts: Pick<Findings, 'losses' | 'hits' | 'stepFaults'> & {
    stepLedger: StepLedger;
    presentations: ChaosWorld['ledger']['presentations'];
  },
): FaultRow {
  const { losses, hits, stepFaults, stepLedger, presentations } = facts;
  const isOurs = (round: PlayedRound | undefined) => scenario === undefined || round?.scenario === scenario;
  const happened = (at: number) => isOurs(rounds.findLast(({ startedAt }) => startedAt <= at));
  const started = ({ round }: { round: number }) => isOurs(rounds.find((played) => played.round === round));
  // A loss belongs to the round of the fault that made it possible, which may be before it shows.
  const ofLoss = ({ spentBy, excuse, at }: JudgedLoss) => happened(excuse?.at ?? spentBy?.at ?? at);
  const ofKind = (kind: Fault['kind']) =>
    stepFaults.filter((fault) => fault.kind === kind && started(fault.step)).length;
  return {
    fault: scenario ?? 'all',
    rounds: rounds.filter(isOurs).length,
    grants: presentations.filter(({ outcome, at }) => outcome === 'rotated' && happened(at)).length,
    avoidableLosses: losses.filter((loss) => loss.avoidable && ofLoss(loss)).length,
    unavoidableLosses: losses.filter((loss) => !loss.avoidable && ofLoss(loss)).length,
    killsInWindow: hits.filter(({ interruption }) => happened(interruption.at)).length,
    steps: stepLedger.steps.filter(started).length,
    stepsLost: ofKind('lost'),
    callsDoubled: ofKind('doubled'),
  };
}

/** What makes the run fail, each as a sentence. */
export function failuresOf(findings: Findings): string[] {
  const { losses, stepFaults, sleepingWaiters, crashes, oddAnswers, strangers, roundsMissing } = findings;
  return [
    ...losses.filter(({ avoidable }) => avoidable).map(describeLoss),
    ...stepFaults.map(({ kind, step, detail }) => `step ${step.stepId} ${kind}: ${detail}`),
    ...sleepingWaiters.map((workflowId) => `a waiter never woke: ${workflowId}`),
    ...crashes.map((crash) => `a process ended by itself: ${crash}`),
    ...oddAnswers.map((answer) => `an answer that the contract does not foresee: ${answer}`),
    ...(strangers > 0 ? [`${strangers} refresh tokens were sent that nobody was ever given`] : []),
    ...(roundsMissing > 0 ? [`too little time for rounds: ${roundsMissing} more are the least`] : []),
  ];
}

export function describeLoss({ userId, at, cause, avoidable, excuse, spentBy }: JudgedLoss): string {
  const when = new Date(at).toISOString();
  const spent = spentBy && `, spent at ${new Date(spentBy.at).toISOString()}`;
  const why = excuse && `: ${excuse.signal} of ${excuse.process} at ${new Date(excuse.at).toISOString()}`;
  return `${avoidable ? 'avoidable' : 'unavoidable'} loss of ${userId}'s grant at ${when} (${cause}${spent ?? ''})${why ?? ''}`;
}
