import { setTimeout as delay } from 'node:timers/promises';
import { isOutage, LatchkeyApiError, type LatchkeyApiOptions } from '../../client/api-request.ts';
import { deposit } from '../../client/deposit.ts';
import { backoffMs, withJitter } from '../../contracts/backoff.ts';
import { CommandRefused } from '../command-refused.ts';
import type { LineFailure } from './line-failure.ts';
import type { ImportEntry } from './to-entry.ts';

export interface DepositOptions {
  /** Whether a connection that exists is replaced. Else the API leaves it as it is. */
  replace: boolean;
  /** Whether the API only says what it would do. */
  dryRun: boolean;
  /** Ends waiting, not a request. */
  signal: AbortSignal;
  /** Called when a line has to wait, with the code. */
  onWait(code: string): void;
}

export type EntryOutcome = { kind: 'stored' | 'unchanged' | 'already-connected' } | LineFailure;

/** An API that does not answer for so long fails the line, and one that can't be reached ends the import. */
const PATIENCE_MS = 5 * 60_000;
const BACKOFF = { firstMs: 1_000, maxMs: 30_000 };
const ACT_FOR_USERS =
  'Lines with a userId need a token that may act for users: with the scope latchkey:act-for-users.';
/** Never less than the API asks for. */
const JITTER = { from: 1, spread: 0.25 };

/**
 * Deposits one connection. Waits out 429 for as long as it takes, and other refusals that pass for five minutes. A
 * request whose answer was lost is repeated: if it was stored, the answer is `already-connected` then, or `unchanged`.
 *
 * @throws LatchkeyApiError if no other line can succeed either: the token or the address is wrong
 * @throws the reason of the signal
 */
export async function depositEntry(
  api: LatchkeyApiOptions,
  entry: ImportEntry,
  options: DepositOptions,
): Promise<EntryOutcome> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  for (let retries = 0; ; retries += 1) {
    try {
      return await depositOnce(api, entry, options);
    } catch (error) {
      if (!(error instanceof LatchkeyApiError)) throw error;
      refuseAll(error);
      const isPatient = error.status === 429 || performance.now() < giveUpAt;
      if (!isOutage(error) || !isPatient) return refusedLine(entry.line, error);
      options.onWait(error.code);
      await waitFor(error, retries, options.signal);
    }
  }
}

async function depositOnce(
  api: LatchkeyApiOptions,
  { userId, deposit: grant }: ImportEntry,
  { replace, dryRun }: DepositOptions,
): Promise<EntryOutcome> {
  const body = { ...grant, onlyIfAbsent: !replace, validateOnly: dryRun };
  try {
    const { changed } = await deposit({ ...api, ...(userId !== undefined && { user: userId }) }, body);
    return { kind: changed ? 'stored' : 'unchanged' };
  } catch (error) {
    if (error instanceof LatchkeyApiError && error.code === 'already-connected') return { kind: error.code };
    throw error;
  }
}

function waitFor({ retryAfterMs }: LatchkeyApiError, retries: number, signal: AbortSignal): Promise<void> {
  const ms = Math.max(retryAfterMs ?? 0, backoffMs(BACKOFF, retries));
  return delay(withJitter(ms, JITTER), undefined, { signal });
}

/** @throws if every other line would be refused in the same way */
function refuseAll(error: LatchkeyApiError): void {
  const { status, code, message } = error;
  if (status === 403) throw new CommandRefused(`${message} (${code})\n${ACT_FOR_USERS}`);
  const isOther = code === 'unexpected-answer' && !isOutage(error);
  if (status === 401 || status === 405 || isOther) throw error;
}

/** @throws the error if there was no answer at all */
function refusedLine(line: number, error: LatchkeyApiError): LineFailure {
  const { status, code, fields, message } = error;
  if (status === undefined) throw error;
  return { kind: 'failed', line, code, fields, message };
}
