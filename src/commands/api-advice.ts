import type { LatchkeyApiError, LatchkeyApiOptions } from '../client/api-request.ts';
import { printable } from './table.ts';

/** The missing right of a command for admins, in its help and where the API refuses. */
export const NEEDS_ADMIN = 'This needs an admin: a token with the scope latchkey:admin.';

/** What to do next, by the code of a problem. */
const ADVICE: Readonly<Record<string, string>> = {
  unauthenticated:
    'The token is LATCHKEY_TOKEN, or that of `latchkey dev`: get a new one if it has expired, and check that it was issued for this Latchkey.',
  forbidden: NEEDS_ADMIN,
  'unknown-server': '`latchkey servers list` shows the ids (as an admin).',
  'unknown-step': '`latchkey steps list` shows your steps.',
  'step-conflict': 'Choose another --step-id, or leave it out.',
  'not-waiting': '`latchkey steps show <step>` says what it waits for.',
  'needs-oauth-reauth': 'Connect it: `latchkey connections connect <server>`.',
  'account-mismatch': 'Name another account with --account.',
  'too-many-requests': 'Wait a little, then run this again.',
  'no-worker':
    'Is a worker running? `latchkey doctor` checks it. `latchkey steps show <step>` says whether it applied.',
  'temporal-unavailable': 'Run this again later. `latchkey doctor` says what is wrong.',
  'database-unavailable': 'Run this again later. `latchkey doctor` says what is wrong.',
  draining: 'Run this again in a moment: this process is being replaced.',
};

/** Says why the API did not do it, and what to do next. */
export function explainRefusal(
  { status, code, message }: LatchkeyApiError,
  { url }: LatchkeyApiOptions,
): string {
  if (code === 'unreachable') {
    return `No Latchkey answers at ${url}. Start it there (\`latchkey server\`, or \`latchkey dev\`), or correct LATCHKEY_URL.`;
  }
  if (code === 'unexpected-answer') {
    return `What answers at ${url} is not Latchkey's API: ${message}. Correct LATCHKEY_URL.`;
  }
  const advice = ADVICE[status === 401 ? 'unauthenticated' : code];
  return `${printable(message)} (${code})${advice === undefined ? '' : `\n${advice}`}`;
}
