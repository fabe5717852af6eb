import { patched, setHandler } from '@temporalio/workflow';
import { credentialsRestored, historyRestored } from '../contracts/messages.ts';
import { forgetConsents } from './await-scope.ts';
import type { Step } from './step-progress.ts';

/** Takes what `latchkey repair` tells: one of the two databases is older than the other since. */
export function acceptRestorations(step: Step): void {
  const { progress, record, credential } = step;
  setHandler(historyRestored, () => {
    progress.lost ??= 'history-restored';
    record.note('history-restored');
    // Steps of before stay asleep until the next deposit, as their histories say.
    if (patched('register-again-when-history-is-restored')) credential.doubt();
  });
  setHandler(credentialsRestored, () => {
    forgetConsents(progress);
    record.note('credentials-restored');
    credential.doubt();
  });
}
