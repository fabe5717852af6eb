import { CONNECTION_REASONS } from '../../contracts/step.ts';
import { CONNECTION_REASON_WORDS } from '../connection-reasons.ts';

/** Why a step waits for a connection, in a sentence. Undefined for a reason that this version does not know. */
export function connectionReasonWords(reason: string | undefined): string | undefined {
  if (reason === 'not-connected') return 'You have not connected this account yet.';
  const known = CONNECTION_REASONS.find((one) => one === reason);
  return known && CONNECTION_REASON_WORDS[known];
}
