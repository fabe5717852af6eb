import { patched, setHandler } from '@temporalio/workflow';
import { credentialsRestored, historyRestored } from '../../contracts/messages.ts';
import { forgetConsents } from './await-scope.ts';
import type { Step } from './step.ts';

const REGISTER_AGAIN = 'register-again-after-a-restoration';

/**
 * Takes what `latchkey repair` tells: one of the two databases is older than the other since. A step that is paused
 * for its user registers anew, unless its history says that it did not: workers of before took no notice.
 */
export function acceptRestorations(step: Step): void {
  const { progress, record, credential } = step;
  setHandler(historyRestored, () => {
    progress.lost ??= 'history-restored';
    record.note('history-restored');
    if (patched(REGISTER_AGAIN)) credential.doubt();
  });
  setHandler(credentialsRestored, () => {
    forgetConsents(progress);
    record.note('credentials-restored');
    if (patched(REGISTER_AGAIN)) credential.doubt();
  });
}
