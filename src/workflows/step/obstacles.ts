/**
 * Obstacles that pass without the user. The step waits by a durable timer and tries again, longer each time, up to a
 * deadline. The function `handleObstacle` of mcp-step.ts chooses the wait. Waits for a person are in pauses.ts.
 */
import { sleep } from '@temporalio/workflow';
import { type KeyMissing, type Obstacle, TOO_MANY_CALLS } from '../../contracts/activities.ts';
import { backoffMs, withJitter } from '../../contracts/backoff.ts';
import { code } from '../../contracts/summaries.ts';
import { waitAtMost } from './continue-as-new.ts';
import { fail, type Reaction, type Step } from './step.ts';
import { forgetRenewals, type StepProgress } from './step-progress.ts';

const MINUTE_MS = 60_000;
const FIRST_WAIT_MS = 1_000;
const MAX_DOUBLINGS = 20;
const MAX_WAIT_MS = { server: 5 * MINUTE_MS, turn: 15_000, key: MINUTE_MS, operator: MINUTE_MS };
/** By then a new key has reached every worker. */
const KEY_TIMEOUT_MS = 10 * MINUTE_MS;

const OBSTACLES: Record<Obstacle['kind'], true> = {
  'token-stale': true,
  unauthorized: true,
  'reauth-required': true,
  'insufficient-scope': true,
  'key-missing': true,
  'not-sent': true,
  failed: true,
};

export function isObstacle(outcome: { kind: string }): outcome is Obstacle {
  return Object.hasOwn(OBSTACLES, outcome.kind);
}

/** The user or the server has reached the worker's limit of calls. */
export function isOverLimit(obstacle: Obstacle): boolean {
  return obstacle.kind === 'not-sent' && obstacle.cause === TOO_MANY_CALLS;
}

/**
 * Waits for a server that gave no answer, if a repetition is harmless. Fails when the outage exceeds
 * `timeouts.unavailable`.
 */
export async function waitForServer(
  step: Step,
  obstacle: { cause: string; retryAfterMs?: number },
): Promise<Reaction> {
  const { plan, record, progress } = step;
  const unanswered = progress.unanswered ?? { since: Date.now(), times: 0 };
  const waitMs = Math.max(
    obstacle.retryAfterMs ?? 0,
    waitBeforeRetryMs(unanswered.times, MAX_WAIT_MS.server),
  );
  if (Date.now() + waitMs > unanswered.since + plan.timeoutsMs.unavailable) {
    return fail('server-unavailable', 'the MCP server could not be reached in time');
  }
  progress.unanswered = { since: unanswered.since, times: unanswered.times + 1 };
  forgetRenewals(progress);
  record.note('waiting-for-server', { cause: obstacle.cause, waitMs });
  progress.notBefore = Date.now() + waitMs;
  await waitUntilNotBefore(step);
  return 'try-again';
}

/** Waits until the step may contact the server again, also in a new run. */
export async function waitUntilNotBefore(step: Step): Promise<void> {
  const { notBefore } = step.progress;
  if (notBefore === undefined) return;
  const summary = `server ${code(step.plan.mcpServerId)} gave no answer`;
  await showing(step, `Waiting: ${summary}`, () =>
    waitAtMost(step, { ms: notBefore - Date.now(), isOver: () => false, summary }),
  );
  delete step.progress.notBefore;
}

/**
 * Waits, without an activity slot, when the user or the server has reached the worker's limit of calls. This is not an
 * outage, because calls end: the wait has no deadline, and its time does not count towards one.
 */
export async function waitForTurn(
  step: Step,
  { cause, retryAfterMs = 0 }: { cause: string; retryAfterMs?: number },
): Promise<Reaction> {
  const { record, progress } = step;
  const times = progress.crowded ?? 0;
  progress.crowded = times + 1;
  const waitMs = Math.max(retryAfterMs, waitBeforeRetryMs(times, MAX_WAIT_MS.turn));
  // Noted once: a wait of hours would push the other entries out of the timeline.
  if (times === 0) record.note('waiting-for-turn', { cause });
  forgetRenewals(progress);
  const since = Date.now();
  await sleepShown(step, waitMs, `the call's turn at ${code(step.plan.mcpServerId)}`);
  extendOutages(progress, Date.now() - since);
  return 'try-again';
}

/** Makes up for a wait that is not an outage. */
export function extendOutages(progress: StepProgress, ms: number): void {
  if (progress.unanswered !== undefined) progress.unanswered.since += ms;
  if (progress.unoperated !== undefined) progress.unoperated.since += ms;
}

/**
 * Waits for an encryption key that a worker lacked, for example because another worker was restarted with a new key
 * first. The key rolls out, or another worker has it. Fails after ten minutes, because then the operator has to act.
 */
export async function waitForKey(step: Step, { kid }: Pick<KeyMissing, 'kid'>): Promise<Reaction> {
  const { plan, record, progress } = step;
  const withoutKey = progress.withoutKey ?? { since: Date.now(), times: 0 };
  const waitMs = waitBeforeRetryMs(withoutKey.times, MAX_WAIT_MS.key);
  const limitMs = Math.min(KEY_TIMEOUT_MS, plan.timeoutsMs.unavailable);
  if (Date.now() + waitMs > withoutKey.since + limitMs) {
    return fail('misconfigured', `encryption key ${kid} is not configured`);
  }
  progress.withoutKey = { since: withoutKey.since, times: withoutKey.times + 1 };
  record.note('waiting-for-key', { kid, waitMs });
  await sleepShown(step, waitMs, `encryption key ${code(kid)}`);
  return 'try-again';
}

/**
 * Waits for the operator when the authorization server refuses the operator's client, for example because its secret
 * was rotated. Waits as long as in an outage for the new secret to be registered.
 */
export async function waitForOperator(
  step: Step,
  { cause, message }: { cause: string; message: string },
): Promise<Reaction> {
  const { plan, record, progress } = step;
  const unoperated = progress.unoperated ?? { since: Date.now(), times: 0 };
  const waitMs = waitBeforeRetryMs(unoperated.times, MAX_WAIT_MS.operator);
  if (Date.now() + waitMs > unoperated.since + plan.timeoutsMs.unavailable) {
    return fail('misconfigured', message);
  }
  progress.unoperated = { since: unoperated.since, times: unoperated.times + 1 };
  record.note('waiting-for-operator', { cause, waitMs });
  await sleepShown(
    step,
    waitMs,
    `the operator: the client of ${code(plan.mcpServerId)} is refused (${cause})`,
  );
  return 'try-again';
}

function sleepShown(step: Step, ms: number, summary: string): Promise<void> {
  return showing(step, `Waiting for ${summary}`, () => sleep(ms, { summary }));
}

/** Shows an operator in Temporal's UI what the step waits for. Adds no event to history. */
export async function showing<T>({ record }: Step, details: string, wait: () => Promise<T>): Promise<T> {
  record.showWait(details);
  try {
    return await wait();
  } finally {
    record.showWait('');
  }
}

/** Exponential backoff, capped at `maxMs`. 50 % jitter, so that a thousand steps don't retry together. */
function waitBeforeRetryMs(times: number, maxMs: number): number {
  const longest = backoffMs({ firstMs: FIRST_WAIT_MS, maxMs }, Math.min(times, MAX_DOUBLINGS));
  return withJitter(longest, { from: 0.5, spread: 0.5 });
}
