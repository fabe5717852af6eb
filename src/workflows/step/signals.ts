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
  readonly #target: WatchedCredential;

  /** The watch hears nothing before `hearDeposits`. */
  constructor(target: WatchedCredential) {
    this.#target = target;
  }

  /** Takes the value of a signal `credentialDeposited`, for this credential or another. */
  hear(deposited: unknown): void {
    this.#hintedVersion = Math.max(this.#hintedVersion, versionOf(deposited, this.#target));
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

/** Registers the handler of deposit signals. A workflow has one, for all its watches. */
export function hearDeposits(watches: readonly CredentialWatch[]): void {
  setHandler(credentialDeposited, (deposited: unknown) => {
    for (const watch of watches) watch.hear(deposited);
  });
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
  record,
  credentials,
  onHistory,
  onCredentials,
}: {
  record: StepRecord;
  credentials: readonly CredentialWatch[];
  onHistory?: () => void;
  onCredentials: () => void;
}): void {
  const registerAgain = () => {
    if (patched(REGISTER_AGAIN)) for (const credential of credentials) credential.markRegistrationStale();
  };
  setHandler(historyRestored, () => {
    onHistory?.();
    record.note('history-restored');
    registerAgain();
  });
  setHandler(credentialsRestored, () => {
    onCredentials();
    record.note('credentials-restored');
    registerAgain();
  });
}
