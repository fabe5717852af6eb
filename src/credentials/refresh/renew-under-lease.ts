import { type RefreshGrantOutcome, refreshGrant } from '../../oauth/refresh-grant.ts';
import { startStopwatch } from '../clock.ts';
import { operatorClientRefused, reportMisconfigured, requireReauth } from './end-renewal.ts';
import { judgeRefusal } from './judge-refusal.ts';
import { clearIntent, recordIntent, SEND_TIMEOUT_SECONDS } from './lease-store.ts';
import { prepareRefresh } from './prepare-refresh.ts';
import type { PlannedRefresh, Refresh, SentRefresh } from './refresh.ts';
import type { RenewalOutcome } from './renewal-outcome.ts';
import {
  AS_PLANNED,
  describeVariant,
  learnedFrom,
  nextVariant,
  type Variant,
  variedRequest,
} from './request-variants.ts';
import { handleTokenError, refusalCode, type TokenError, toTokenError } from './token-endpoint-errors.ts';
import { writeBack } from './write-back.ts';

const MAX_UNANSWERED = 3;
/** How long after a lost answer the refresh is sent again at once. */
const RETRY_WINDOW_MS = 5_000;
const DRAINING: TokenError = { kind: 'draining', code: 'draining' };

/**
 * Prepares the refresh, sends it, and stores its answer or handles its error. Releases the lease in any case.
 *
 * @param maySend whether try `n` may be sent, the first being 1: false while the process drains
 */
export async function renewUnderLease(
  refresh: Refresh,
  maySend: (n: number) => boolean,
): Promise<RenewalOutcome> {
  const { deps, connection, lease, log } = refresh;
  try {
    if (lease.unfinished) log.takenOver();
    const plan = await prepareRefresh(deps, connection, lease.key);
    switch (plan.kind) {
      case 'ready':
        return await sendUntilAnswered({ ...refresh, plan }, maySend);
      case 'reauth-required':
        log.failed(plan.reason);
        return await requireReauth(refresh, plan.reason);
      case 'misconfigured':
        log.failed('misconfigured', plan.message);
        return await reportMisconfigured(refresh, { message: plan.message });
      case 'key-missing':
        log.failed('key-missing', `encryption key ${plan.kid} is not configured`);
        return plan;
      case 'unavailable':
        log.failed(plan.cause);
        return plan;
      default:
        return plan satisfies never;
    }
  } finally {
    await lease.release();
  }
}

/**
 * Sends the refresh again at once if that can help: in another form after a refusal of its form, and in the same
 * form after a lost answer, because a server with a grace period repeats its answer for a short time. After a takeover,
 * one lost answer ends the tries: the other holder's refresh may have been the first one.
 */
async function sendUntilAnswered(
  refresh: PlannedRefresh,
  maySend: (n: number) => boolean,
): Promise<RenewalOutcome> {
  const { deps, lease, log } = refresh;
  const recentRefusal = recentClientRefusal(refresh);
  if (recentRefusal !== undefined) return recentRefusal;
  const variants: Variant[] = [AS_PLANNED];
  let outcomeLost = lease.unfinished;
  let unanswered = 0;
  let deadline = Number.POSITIVE_INFINITY;
  for (let n = 1; ; n++) {
    // The answer is the only copy of the new token, and might arrive after the process has ended.
    if (!maySend(n)) return handleTokenError(refresh, DRAINING);
    const attempt = await send(refresh, variants.at(-1) ?? AS_PLANNED);
    if (attempt === undefined) return { kind: 'busy' };
    const { sent, outcome } = attempt;
    if (outcome.kind === 'tokens') return writeBack(sent, outcome.answer);
    if (await addVariant(variants, sent, outcome)) continue;
    const error = toTokenError(refresh, outcome, outcomeLost);
    log.failed(error.code);
    if (error.kind !== 'unusable') return handleTokenError(refresh, error, sent.intent);
    unanswered += 1;
    deadline = Math.min(deadline, deps.clock.monotonicMs() + RETRY_WINDOW_MS);
    const isLast = lease.unfinished || unanswered === MAX_UNANSWERED || error.retryAfterMs !== undefined;
    if (isLast || deps.clock.monotonicMs() > deadline) return handleTokenError(refresh, error, sent.intent);
    outcomeLost = true;
  }
}

function recentClientRefusal(refresh: PlannedRefresh): Promise<RenewalOutcome> | undefined {
  const { deps, connection, lease, plan } = refresh;
  if (!plan.isOperatorClient) return undefined;
  const code = deps.operatorClientRefusals.recent(connection.server, lease.key);
  return code === undefined ? undefined : reportMisconfigured(refresh, operatorClientRefused(code));
}

/** Undefined: the intent could not be recorded, so nothing was sent. */
async function send(
  refresh: PlannedRefresh,
  variant: Variant,
): Promise<{ sent: SentRefresh; outcome: RefreshGrantOutcome } | undefined> {
  const { deps, lease, log, plan } = refresh;
  // Started before the database checks the lease, so that a freeze of the process at any point counts.
  const elapsedMs = startStopwatch(deps.clock);
  const intent = await recordIntent(deps.db, lease);
  if (intent === undefined) return undefined;
  log.started(intent);
  const beforeFirstByte = () => {
    if (elapsedMs() > SEND_TIMEOUT_SECONDS * 1000) throw new Error('the lease may be over');
  };
  const request = { ...variedRequest(plan, variant), beforeFirstByte };
  const outcome = await refreshGrant(deps.guardedFetch, request);
  return { sent: { ...refresh, intent, elapsedMs, learned: learnedFrom(plan, variant) }, outcome };
}

/**
 * Adds the form to try next after a refusal, if there is one. The refusal clears the intent of its own try; an earlier
 * intent whose answer was lost stays.
 */
async function addVariant(
  variants: Variant[],
  { deps, lease, log, plan, intent }: SentRefresh,
  outcome: RefreshGrantOutcome,
): Promise<boolean> {
  if (outcome.kind !== 'refused') return false;
  const next = nextVariant(plan, variants, judgeRefusal(outcome));
  if (next === undefined) return false;
  variants.push(next);
  await clearIntent(deps.db, lease, intent);
  log.failed(refusalCode(plan, outcome), describeVariant(next));
  return true;
}
