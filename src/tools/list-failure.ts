import type { ListFailure } from '../contracts/tools-of-server.ts';
import type { ListOfAccount } from './list-tools-of-accounts.ts';

/** Maps an outcome without tools to the failure that lists of several servers show. */
export function failureOf(outcome: Exclude<ListOfAccount, { kind: 'listed' }>): ListFailure {
  switch (outcome.kind) {
    case 'reauth-required':
      return { kind: 'auth', code: 'needs-oauth-reauth' };
    case 'insufficient-scope':
      return { kind: 'auth', code: 'needs-oauth-scope' };
    case 'unavailable':
    case 'no-room':
      return { kind: 'connection', code: 'server-unavailable' };
    case 'token-endpoint-unavailable':
      return { kind: 'connection', code: outcome.kind };
    case 'key-missing':
      return { kind: 'unknown', code: 'encryption-key-missing' };
    case 'unknown-server':
    case 'misconfigured':
      return { kind: 'unknown', code: outcome.kind };
    case 'too-large':
      return { kind: 'unknown', code: 'result-too-large' };
    case 'internal':
      return { kind: 'unknown', code: 'internal' };
    case 'failed':
      return failureOfAnswer(outcome);
    default:
      return outcome satisfies never;
  }
}

function failureOfAnswer({ code }: Extract<ListOfAccount, { kind: 'failed' }>): ListFailure {
  if (code === 'forbidden') return { kind: 'auth', code };
  return { kind: 'unknown', code: code === 'result-too-large' ? code : 'protocol-error' };
}
