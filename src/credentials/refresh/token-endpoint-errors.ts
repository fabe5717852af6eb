/**
 * Defines what each error of a token endpoint leads to, for the intent, the connection and the step. The table is the
 * one place that decides it, and `handleTokenError` does what the table says. `known-refusals.ts` lists which words of
 * a server are which kind of refusal (`invalid_grant` is a `dead-grant`), and `judge-refusal.ts` looks them up.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-5.2
 */
import { type RefreshGrantOutcome, secretsOf } from '../../oauth/refresh-grant.ts';
import type { Refusal } from '../../oauth/refusal.ts';
import {
  operatorClientRefused,
  reportMisconfigured,
  requireReauth,
  retryOrRequireReauth,
  unavailable,
} from './end-renewal.ts';
import { judgeRefusal, loggableCode } from './judge-refusal.ts';
import { clearIntent } from './lease-store.ts';
import type { RefreshPlan } from './prepare-refresh.ts';
import type { PlannedRefresh } from './refresh.ts';
import type { RenewalOutcome } from './renewal-outcome.ts';

type Consequence = {
  /** `kept`: the refresh token may have been spent, so the next holder of the lease must know about this refresh. */
  intent: 'cleared' | 'kept';
} & (
  | {
      connection: 'connected';
      /**
       * `retries`: after a backoff, until the step's time limit. `retries-twice`: after 20 s and 30 s; the third
       * refusal in a row makes the connection `reauth-required` (`refresh-refused`), and the step waits for its user.
       */
      step: 'retries' | 'retries-twice' | 'waits-for-operator' | 'fails';
    }
  /** The connection becomes `reauth-required`, for this reason. */
  | { connection: ReauthReason; step: 'waits-for-user' }
);

type ReauthReason = 'invalid-grant' | 'refresh-outcome-lost' | 'refresh-refused' | 'invalid-client';

const TOKEN_ENDPOINT_ERRORS = {
  /** The process is ending, so this try was not sent. */
  draining: { intent: 'kept', connection: 'connected', step: 'retries' },
  /** No connection, or an address that is not allowed: no byte has left. */
  'not-sent': { intent: 'cleared', connection: 'connected', step: 'retries' },
  /** 429: the server says that it did nothing. `Retry-After` is honoured, here and below. */
  'rate-limited': { intent: 'cleared', connection: 'connected', step: 'retries' },
  /** The answer is lost: a reset, a timeout, a 5xx, no JSON. Sent again at once first, see `renew-under-lease.ts`. */
  unusable: { intent: 'kept', connection: 'connected', step: 'retries' },
  /** `temporarily_unavailable`, `server_error`, `slow_down`. */
  transient: { intent: 'kept', connection: 'connected', step: 'retries' },
  /** `invalid_grant`: the refresh token is expired, revoked or spent. */
  'dead-grant': { intent: 'cleared', connection: 'invalid-grant', step: 'waits-for-user' },
  /**
   * `invalid_grant` after an answer was lost: that answer may have brought a newer token. It may still be stored, and a
   * server that detects reuse has revoked it by then. The intent is kept so that its user then gets the same reason.
   */
  'dead-grant-after-lost-answer': {
    intent: 'kept',
    connection: 'refresh-outcome-lost',
    step: 'waits-for-user',
  },
  /** `interaction_required`, `login_required`, `consent_required`. */
  'person-needed': { intent: 'cleared', connection: 'refresh-refused', step: 'waits-for-user' },
  /** `invalid_client`, `unauthorized_client`: the client that came with the deposit. */
  'user-client-refused': { intent: 'cleared', connection: 'invalid-client', step: 'waits-for-user' },
  /** The same for the client that the operator registered: no user can help. */
  'operator-client-refused': { intent: 'cleared', connection: 'connected', step: 'waits-for-operator' },
  /** `invalid_scope`, `invalid_target`, `invalid_request`, after all forms of `request-variants.ts` were tried. */
  'parameter-refused': { intent: 'cleared', connection: 'connected', step: 'fails' },
  /** `unsupported_grant_type`. */
  misconfigured: { intent: 'cleared', connection: 'connected', step: 'fails' },
  /** A refusal in unknown words, or in none. */
  other: { intent: 'cleared', connection: 'connected', step: 'retries-twice' },
} as const satisfies Record<string, Consequence>;

/** An error of the token endpoint, by its row of the table. */
export interface TokenError {
  kind: keyof typeof TOKEN_ENDPOINT_ERRORS;
  /** For the log and the operator: never a part of the request. */
  code: string;
  retryAfterMs?: number;
}

/**
 * Does what the table says about an error.
 *
 * @param intent of the try that failed; undefined: that try was not sent
 */
export async function handleTokenError(
  refresh: PlannedRefresh,
  error: TokenError,
  intent?: number,
): Promise<RenewalOutcome> {
  const { deps, lease, connection } = refresh;
  const consequence: Consequence = TOKEN_ENDPOINT_ERRORS[error.kind];
  if (consequence.intent === 'cleared' && intent !== undefined) await clearIntent(deps.db, lease, intent);
  switch (consequence.step) {
    case 'retries':
      return unavailable(error.kind === 'transient' ? 'oauth-error' : error.code, error.retryAfterMs);
    case 'retries-twice':
      return retryOrRequireReauth(refresh, error.retryAfterMs);
    case 'waits-for-user':
      return requireReauth(refresh, consequence.connection);
    case 'waits-for-operator':
      deps.operatorClientRefusals.add(connection.server, lease.key, error.code);
      return reportMisconfigured(refresh, operatorClientRefused(error.code));
    case 'fails':
      return reportMisconfigured(refresh, {
        message: `the authorization server refuses the refresh: ${error.code}`,
      });
    default:
      return consequence satisfies never;
  }
}

/** @param outcomeLost the answer to an earlier refresh with the same token was lost */
export function toTokenError(
  { plan }: PlannedRefresh,
  outcome: Exclude<RefreshGrantOutcome, { kind: 'tokens' }>,
  outcomeLost: boolean,
): TokenError {
  const { retryAfterMs } = outcome.kind === 'not-sent' ? {} : outcome;
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
  switch (outcome.kind) {
    case 'refused':
      return { kind: kindOfRefusal(plan, outcome, outcomeLost), code: refusalCode(plan, outcome), ...wait };
    case 'rate-limited':
      return { kind: 'rate-limited', code: 'rate-limited', ...wait };
    case 'not-sent':
    case 'unusable':
      return { kind: outcome.kind, code: outcome.cause, ...wait };
    default:
      return outcome satisfies never;
  }
}

function kindOfRefusal(
  { isOperatorClient }: RefreshPlan,
  refusal: Refusal,
  outcomeLost: boolean,
): TokenError['kind'] {
  const { kind } = judgeRefusal(refusal);
  if (kind === 'dead-grant') return outcomeLost ? 'dead-grant-after-lost-answer' : 'dead-grant';
  if (kind === 'client-refused') return isOperatorClient ? 'operator-client-refused' : 'user-client-refused';
  return kind;
}

/** The server's code for a refusal, for the log; never a part of the request. */
export function refusalCode({ request }: RefreshPlan, refusal: Refusal): string {
  return loggableCode(refusal, secretsOf(request));
}
