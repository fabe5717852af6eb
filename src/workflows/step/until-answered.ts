import type { Obstacle } from '../../contracts/activities.ts';
import { refusalIsFinal } from '../../contracts/renewals.ts';
import type { McpStepResult } from '../../contracts/step.ts';
import { TOO_MANY_CALLS } from '../../contracts/too-many-calls.ts';
import type { CredentialVersions } from '../../contracts/versions.ts';
import { awaitDeposit } from './await-deposit.ts';
import { awaitScope } from './await-scope.ts';
import { continueIfHistoryIsLong } from './continue-step.ts';
import { renewToken } from './renew-token.ts';
import type { Step } from './step.ts';
import { fail, type Reaction } from './step-outcome.ts';
import { forgetRenewals } from './step-progress.ts';
import { waitForKey } from './wait-for-key.ts';
import { waitForServer } from './wait-for-server.ts';
import { waitForTurn } from './wait-for-turn.ts';

export type Ended = { kind: 'ended'; result: McpStepResult };

const OBSTACLES: Record<Obstacle['kind'], true> = {
  'token-stale': true,
  unauthorized: true,
  'reauth-required': true,
  'insufficient-scope': true,
  'key-missing': true,
  'not-sent': true,
  failed: true,
};

/** Attempts until an answer comes, doing about each obstacle what can be done; or until the step has to end. */
export async function untilAnswered<Answer extends { kind: string }>(
  step: Step,
  attempt: () => Promise<Answer | Obstacle>,
): Promise<Answer | Ended> {
  for (;;) {
    await continueIfHistoryIsLong(step);
    step.credential.forget();
    const outcome = await attempt();
    if (outcome.kind !== 'key-missing') delete step.progress.withoutKey;
    if (!isObstacle(outcome) || !isForLackOfRoom(outcome)) delete step.progress.crowded;
    if (!isObstacle(outcome)) return outcome;
    // The server is there. A stale token says nothing of it, or every expiry would give an outage a new life.
    if (outcome.kind === 'insufficient-scope') delete step.progress.unanswered;
    const reaction = await overcome(step, outcome);
    if (reaction !== 'try-again') return { kind: 'ended', result: reaction };
  }
}

function isObstacle(outcome: { kind: string }): outcome is Obstacle {
  return Object.hasOwn(OBSTACLES, outcome.kind);
}

function isForLackOfRoom(obstacle: Obstacle): boolean {
  return obstacle.kind === 'not-sent' && obstacle.cause === TOO_MANY_CALLS;
}

async function overcome(step: Step, obstacle: Obstacle): Promise<Reaction> {
  switch (obstacle.kind) {
    case 'token-stale':
      return renewToken(step, obstacle.seen);
    case 'unauthorized':
      return renewOnceAfterRefusal(step, obstacle.seen);
    case 'reauth-required':
      return awaitDeposit(step, obstacle.seen, {
        awaitingInputReason: 'needs-oauth-reauth',
        connectionReason: obstacle.reason,
      });
    case 'insufficient-scope':
      return awaitScope(step, obstacle);
    case 'key-missing':
      forgetRenewals(step.progress);
      return waitForKey(step, obstacle);
    case 'not-sent':
      return isForLackOfRoom(obstacle) ? waitForTurn(step, obstacle) : waitForServer(step, obstacle);
    case 'failed':
      return fail(obstacle.code, obstacle.message, obstacle.serverMessage);
    default:
      return obstacle satisfies never;
  }
}

async function renewOnceAfterRefusal(step: Step, seen: CredentialVersions): Promise<Reaction> {
  if (refusalIsFinal(seen, step.progress)) {
    return awaitDeposit(step, seen, {
      awaitingInputReason: 'needs-oauth-reauth',
      connectionReason: 'token-rejected',
    });
  }
  step.progress.renewedAfterRefusal = seen.credentialVersion;
  return renewToken(step, seen);
}
