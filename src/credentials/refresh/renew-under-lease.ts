import { type RefreshGrantOutcome, refreshGrant } from '../../oauth/refresh-grant.ts';
import { startStopwatch } from '../clock.ts';
import type { Connection } from '../credential-store.ts';
import { codeOf, concludeRefusal, whatOperatorMustDo } from './conclude-refusal.ts';
import { endWithVerdict, misconfigured, unavailable } from './end-renewal.ts';
import type { HeldLease } from './lease.ts';
import { clearIntent, recordIntent, SEND_WITHIN_SECONDS } from './lease-store.ts';
import { prepareRefresh, type RefreshPlan } from './prepare-refresh.ts';
import { createRefreshLog, type RefreshLog, type SentRefresh } from './refresh-log.ts';
import type { LeaseDependencies, RenewalDependencies } from './renewal-dependencies.ts';
import type { RenewalOutcome } from './renewal-outcome.ts';
import { AS_PLANNED, learnedBy, nextVariant, requestOf, type Variant } from './request-variants.ts';
import { judgeRefusal } from './token-endpoint-errors.ts';
import { writeBack } from './write-back.ts';

const TRIES = 3;
const TRY_AGAIN_WITHIN_MS = 5_000;

/**
 * Sends the refresh and stores what comes of it. The lease is given back in any case.
 *
 * @param maySend asked before each try, the first of which is 1: not while the process drains
 */
export async function renewUnderLease(
  deps: LeaseDependencies,
  connection: Connection,
  lease: HeldLease,
  maySend: (tried: number) => boolean,
): Promise<RenewalOutcome> {
  try {
    if (lease.unfinished) logOf(deps, lease).takenOver();
    const plan = await prepareRefresh(deps, connection, lease.key);
    switch (plan.kind) {
      case 'ready':
        return await refresh(deps, lease, { connection, plan }, maySend);
      case 'reauth-required':
        logOf(deps, lease).failed(plan.reason);
        return await endWithVerdict(deps, lease, plan.reason);
      case 'misconfigured':
        logOf(deps, lease).failed('misconfigured', plan.message);
        return await misconfigured(deps, lease, { message: plan.message });
      case 'key-missing':
        logOf(deps, lease).failed('key-missing', `encryption key ${plan.kid} is not configured`);
        return plan;
      case 'unavailable':
        logOf(deps, lease).failed(plan.cause);
        return plan;
      default:
        return plan satisfies never;
    }
  } finally {
    await lease.release();
  }
}

interface Planned {
  connection: Connection;
  plan: RefreshPlan;
}

// A server with a grace period gives the tokens of a lost answer again to whoever asks soon. After somebody
// else's unfinished refresh one try is all: the first one may have been theirs. What is refused for its form is sent
// in another form.
async function refresh(
  deps: LeaseDependencies,
  lease: HeldLease,
  planned: Planned,
  maySend: (tried: number) => boolean,
): Promise<RenewalOutcome> {
  const standing = standingRefusal(deps, lease, planned);
  if (standing !== undefined) return standing;
  const variants: Variant[] = [AS_PLANNED];
  let outcomeLost = lease.unfinished;
  let unanswered = 0;
  let giveUpAt = Number.POSITIVE_INFINITY;
  for (let tried = 1; ; tried++) {
    // Its answer, the only copy of the new token, might come when the process is not waited for any more.
    if (!maySend(tried)) return unavailable({ cause: 'draining' });
    const intent = await sendWithIntent(deps, lease, planned.plan, variants.at(-1) ?? AS_PLANNED);
    if (intent === undefined) return { kind: 'busy' };
    const { outcome, sent } = intent;
    if (await isToBeVaried(deps, lease, planned.plan, { ...intent, variants })) continue;
    if (outcome.kind !== 'unusable') return conclude(deps, lease, planned, { sent, outcome, outcomeLost });
    logOf(deps, lease).failed(outcome.cause);
    unanswered += 1;
    giveUpAt = Math.min(giveUpAt, deps.clock.monotonicMs() + TRY_AGAIN_WITHIN_MS);
    const isLastTry = lease.unfinished || unanswered === TRIES || outcome.retryAfterMs !== undefined;
    if (isLastTry || deps.clock.monotonicMs() > giveUpAt) return unavailable(outcome);
    outcomeLost = true;
  }
}

function standingRefusal(
  deps: LeaseDependencies,
  lease: HeldLease,
  { connection, plan }: Planned,
): Promise<RenewalOutcome> | undefined {
  if (!plan.isOperatorClient) return undefined;
  const code = deps.operatorClientRefusals.standing(connection.server, lease.key);
  return code === undefined ? undefined : misconfigured(deps, lease, whatOperatorMustDo(code));
}

interface Intent {
  sent: SentRefresh;
  outcome: RefreshGrantOutcome;
}

async function sendWithIntent(
  deps: RenewalDependencies,
  lease: HeldLease,
  plan: RefreshPlan,
  variant: Variant,
): Promise<Intent | undefined> {
  // The time is taken before the database judges the lease, so that a freeze at any point counts.
  const elapsedMs = startStopwatch(deps.clock);
  const grantSeq = await recordIntent(deps.db, lease);
  if (grantSeq === undefined) return undefined;
  logOf(deps, lease).started(grantSeq);
  const beforeFirstByte = () => {
    if (elapsedMs() > SEND_WITHIN_SECONDS * 1000) throw new Error('the lease may be over');
  };
  const outcome = await refreshGrant(deps.guardedFetch, { ...requestOf(plan, variant), beforeFirstByte });
  return { sent: { grantSeq, elapsedMs, learned: learnedBy(plan, variant) }, outcome };
}

// The server has said no, so its intent is over: an earlier one whose answer was lost still stands.
async function isToBeVaried(
  deps: RenewalDependencies,
  lease: HeldLease,
  plan: RefreshPlan,
  { sent, outcome, variants }: Intent & { variants: Variant[] },
): Promise<boolean> {
  if (outcome.kind !== 'refused') return false;
  const next = nextVariant(plan, variants, judgeRefusal(outcome));
  if (next === undefined) return false;
  variants.push(next);
  await clearIntent(deps.db, lease, sent.grantSeq);
  logOf(deps, lease).failed(codeOf(plan, outcome), inWords(next));
  return true;
}

function inWords({ omitted, authMethod }: Variant): string {
  const forms = [
    ...omitted.map((parameter) => `without ${parameter}`),
    ...(authMethod === undefined ? [] : [`with ${authMethod}`]),
  ];
  return `asked once more ${forms.join(', ')}`;
}

async function conclude(
  deps: LeaseDependencies,
  lease: HeldLease,
  { connection, plan }: Planned,
  answered: { sent: SentRefresh; outcome: Answered; outcomeLost: boolean },
): Promise<RenewalOutcome> {
  const { sent, outcome, outcomeLost } = answered;
  switch (outcome.kind) {
    case 'tokens':
      return writeBack(deps, lease, plan, sent, outcome.answer);
    case 'refused':
      return concludeRefusal(deps, lease, {
        connection,
        plan,
        refusal: outcome,
        intent: sent.grantSeq,
        outcomeLost,
      });
    case 'not-sent':
    case 'rate-limited':
      await clearIntent(deps.db, lease, sent.grantSeq);
      logOf(deps, lease).failed(outcome.kind === 'not-sent' ? outcome.cause : outcome.kind);
      return unavailable(outcome.kind === 'not-sent' ? outcome : { cause: 'rate-limited', ...outcome });
    default:
      return outcome satisfies never;
  }
}

type Answered = Exclude<RefreshGrantOutcome, { kind: 'unusable' }>;

function logOf({ logger }: RenewalDependencies, { key }: HeldLease): RefreshLog {
  return createRefreshLog(logger, key);
}
