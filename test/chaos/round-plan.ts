import type { Random } from './random.ts';
import { type FaultAction, scenarioOfRound } from './scenarios.ts';
import type { StartedStep } from './step-ledger.ts';
import { MCP_SERVER_ID } from './user.ts';

/** What a round does, all of it decided by the seed and the round's number. */
export interface RoundPlan {
  round: number;
  scenario: string;
  faults: FaultAction[];
  load: LoadAction[];
}

export type LoadAction = { atMs: number } & (
  | { do: 'start'; step: StartedStep }
  | { do: 'list-tools' | 'withdraw' | 'reconnect'; userId: string }
);

export const USERS = Array.from({ length: 12 }, (_, index) => `user-${index + 1}`);
/** They alone withdraw their consent: the others must never be asked for anything. */
const WITHDRAWING = USERS.slice(-3);
const RECONNECTING = USERS.slice(-6, -3);

const LOAD_MS = 10_000;
const STEPS = 24;
const LISTS = 12;

export function planRound(seed: Random, round: number): RoundPlan {
  const random = seed.fork(`round ${round}`);
  const scenario = scenarioOfRound(seed, round);
  return {
    round,
    scenario: scenario.name,
    faults: scenario.actions(random.fork('faults')).sort((a, b) => a.atMs - b.atMs),
    load: planLoad(random.fork('load'), round),
  };
}

/** A round that only works. */
export function planQuietRound(seed: Random, round: number): RoundPlan {
  const load = planLoad(seed.fork(`round ${round}`), round).filter(({ do: what }) => what !== 'withdraw');
  return { round, scenario: 'none', faults: [], load };
}

function planLoad(random: Random, round: number): LoadAction[] {
  const atMs = () => random.int(0, LOAD_MS);
  const starts = Array.from({ length: STEPS }, (_, index): LoadAction => {
    const stepId = `r${round}-${index}`;
    return { atMs: atMs(), do: 'start', step: { ...planStep(random, stepId), round, stepId } };
  });
  const lists = Array.from({ length: LISTS }, (): LoadAction => {
    return { atMs: atMs(), do: 'list-tools', userId: pickOf(random, USERS) };
  });
  const withdrawal: LoadAction = { atMs: atMs(), do: 'withdraw', userId: pickOf(random, WITHDRAWING) };
  const reconnection: LoadAction = { atMs: atMs(), do: 'reconnect', userId: pickOf(random, RECONNECTING) };
  return [
    ...starts,
    ...lists,
    ...(random.chance(0.7) ? [withdrawal] : []),
    ...(random.chance(0.3) ? [reconnection] : []),
  ];
}

function planStep(random: Random, stepId: string): Omit<StartedStep, 'round' | 'stepId'> {
  const base = { userId: pickOf(random, USERS), mcpServerId: MCP_SERVER_ID };
  const message = { tool: 'send_message', arguments: { to: stepId, text: 'hello' } };
  const invoice = { tool: 'create_invoice', arguments: { customer: stepId, amount: random.int(1, 999) } };
  const kind = random.int(1, 100);
  if (kind <= 45) return { ...base, ...message, sideEffects: 'unsafe' };
  // The server is not marked as trusted: what it says of its tools is not believed.
  if (kind <= 60) return { ...base, ...invoice, sideEffects: 'auto' };
  if (kind <= 68) return { ...base, ...invoice, sideEffects: 'unsafe', mode: 'automated-with-confirmation' };
  if (kind <= 80) return { ...base, ...message, sideEffects: 'idempotent' };
  if (kind <= 90) return { ...base, tool: 'list_invoices', sideEffects: 'read-only' };
  const report = { durationMs: random.int(500, 6_000), steps: 4 };
  return { ...base, tool: 'slow_report', arguments: report, sideEffects: 'read-only' };
}

function pickOf(random: Random, users: readonly string[]): string {
  return users[random.int(0, users.length - 1)] ?? '';
}
