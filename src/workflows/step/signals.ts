import { patched, setHandler } from '@temporalio/workflow';
import { accountOf, DEFAULT_ACCOUNT } from '../../contracts/accounts.ts';
import type { CredentialKey } from '../../contracts/activities.ts';
import {
  type CredentialDeposited,
  credentialDeposited,
  credentialsRestored,
  historyRestored,
  type ServerResumed,
  serverResumed,
} from '../../contracts/messages.ts';
import { forgetConsents, type StepProgress } from './step-progress.ts';
import type { StepRecord } from './step-record.ts';

const REGISTER_AGAIN = 'register-again-after-a-restoration';

/**
 * The credential version in the latest deposit signals. A signal is a hint: it ends a pause, and then the step reads
 * the store. The hint is cleared before each read, so that a forged or stale signal costs one read and no loop. A
 * signal that arrives during the read counts, because the read may have missed that deposit.
 */
export class CredentialWatch {
  #hintedVersion = 0;
  #registrationIsStale = false;

  constructor(target: WatchedCredential) {
    setHandler(credentialDeposited, (deposited: unknown) => {
      const version = versionOf(deposited, target);
      this.#hintedVersion = Math.max(this.#hintedVersion, version);
    });
  }

  /** Call this right before the store is read. */
  clearHint(): void {
    this.#hintedVersion = 0;
  }

  hasNewerHint(version: number): boolean {
    return this.#hintedVersion > version;
  }

  /** The store may have lost the step's waiter. */
  markRegistrationStale(): void {
    this.#registrationIsStale = true;
  }

  /** Call this right before the step registers as a waiter. */
  markRegistered(): void {
    this.#registrationIsStale = false;
  }

  get registrationIsStale(): boolean {
    return this.#registrationIsStale;
  }
}

/**
 * Whether a signal said that the server is not paused any more. It is a hint, like a deposit: cleared before each
 * attempt, and one that arrives during the attempt counts, because the attempt may have found the server paused just
 * before.
 */
export class ServerWatch {
  #isHintedResumed = false;

  constructor(target: Pick<WatchedCredential, 'mcpServerId'>) {
    setHandler(serverResumed, (resumed: unknown) => {
      if (isResumptionOf(resumed, target)) this.#isHintedResumed = true;
    });
  }

  /** Call this right before an attempt. */
  clearHint(): void {
    this.#isHintedResumed = false;
  }

  get isHintedResumed(): boolean {
    return this.#isHintedResumed;
  }
}

/** Any client in the namespace may send any value in this signal: a malformed one is ignored. */
export function isResumptionOf(
  resumed: unknown,
  { mcpServerId }: Pick<WatchedCredential, 'mcpServerId'>,
): boolean {
  if (typeof resumed !== 'object' || resumed === null) return false;
  const fields: Partial<Record<keyof ServerResumed, unknown>> = resumed;
  return fields.mcpServerId === mcpServerId;
}

/** The server and account whose deposits a step waits for. */
export type WatchedCredential = Pick<CredentialKey, 'mcpServerId' | 'account'>;

/**
 * Any client in the namespace may send any value in this signal: a malformed one, or one for another account, is
 * ignored as version 0.
 */
export function versionOf(deposited: unknown, target: WatchedCredential): number {
  if (typeof deposited !== 'object' || deposited === null) return 0;
  const fields: Partial<Record<keyof CredentialDeposited, unknown>> = deposited;
  const { mcpServerId, account, version } = fields;
  const isMeant = mcpServerId === target.mcpServerId && (account ?? DEFAULT_ACCOUNT) === accountOf(target);
  return isMeant && typeof version === 'number' && Number.isFinite(version) ? version : 0;
}

/**
 * Handles the signals of `latchkey repair` after one of the two databases was restored to an earlier state. A step
 * that is paused for its user registers its waiter again. Guarded by `patched`, because older workers did not
 * register again.
 */
export function acceptRestorations({
  progress,
  record,
  credential,
}: {
  progress: StepProgress;
  record: StepRecord;
  credential: CredentialWatch;
}): void {
  setHandler(historyRestored, () => {
    progress.lost ??= 'history-restored';
    record.note('history-restored');
    if (patched(REGISTER_AGAIN)) credential.markRegistrationStale();
  });
  setHandler(credentialsRestored, () => {
    forgetConsents(progress);
    record.note('credentials-restored');
    if (patched(REGISTER_AGAIN)) credential.markRegistrationStale();
  });
}
