import { setTimeout as delay } from 'node:timers/promises';
import { isOutage, LatchkeyApiError, type LatchkeyApiOptions } from '../../client/api-request.ts';
import { deposit } from '../../client/deposit.ts';
import { backoffMs, withJitter } from '../../contracts/backoff.ts';
import { CommandRefused } from '../command-refused.ts';
import type { LineFailure } from './line-failure.ts';
import type { ImportEntry } from './to-entry.ts';

export interface DepositOptions {
  /** Whether a connection that exists is replaced. Else the API leaves it as it is. One that was ended stays so. */
  replace: boolean;
  /** Whether the API only says what it would do. */
  dryRun: boolean;
  /** Ends waiting, not a request. */
  signal: AbortSignal;
  /** Called when a line has to wait, with the code. */
  onWait(code: string): void;
  /** The MCP servers whose authorization server has been away for longer than a line waits. */
  awayServers: Set<string>;
  /** Default: `TIMING`. */
  timing?: Timing;
}

export interface Timing {
  /** An API that does not answer for so long fails the line, and one that can't be reached ends the import. */
  patienceMs: number;
  backoff: { firstMs: number; maxMs: number };
}

export type EntryOutcome =
  | { kind: 'stored' | 'unchanged' | 'already-connected' | 'disconnected' }
  | LineFailure;

const TIMING: Timing = { patienceMs: 5 * 60_000, backoff: { firstMs: 1_000, maxMs: 30_000 } };
const ACT_FOR_USERS =
  'Lines with a userId need a token that may act for users: with the scope latchkey:act-for-users.';
/** Never less than the API asks for. */
const JITTER = { from: 1, spread: 0.25 };
const LEFT_ALONE = ['already-connected', 'disconnected'] as const;
/** The fields that every request has. */
const OWN_FIELDS = ['onlyIfAbsent', 'unlessDisconnected', 'validateOnly'];

/**
 * Deposits one connection. Waits out 429 for as long as it takes, and other refusals that pass for five minutes; once a
 * line of an MCP server has waited so long for the authorization server, the next lines of that server do not wait. A
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
  const patience = patienceOf(entry, options);
  for (let retries = 0; ; retries += 1) {
    // Work that waited for its turn begins no request after the import was stopped.
    options.signal.throwIfAborted();
    try {
      const outcome = await depositOnce(api, entry, options);
      options.awayServers.delete(entry.deposit.mcpServerId);
      return outcome;
    } catch (error) {
      if (!(error instanceof LatchkeyApiError)) throw error;
      refuseAll(error);
      if (!isOutage(error) || patience.isOver(error)) return refusedLine(entry.line, error);
      options.onWait(error.code);
      await waitFor(error, retries, options);
    }
  }
}

/** How long a line waits. A busy API is there, so the time begins again with each 429. */
function patienceOf({ deposit }: ImportEntry, { awayServers, timing = TIMING }: DepositOptions) {
  const { mcpServerId } = deposit;
  let giveUpAt: number | undefined;
  return {
    isOver({ status, code }: LatchkeyApiError): boolean {
      if (status === 429) {
        giveUpAt = undefined;
        return false;
      }
      giveUpAt ??= performance.now() + timing.patienceMs;
      const isAway = code === 'token-endpoint-unavailable';
      const isOver = performance.now() >= giveUpAt || (isAway && awayServers.has(mcpServerId));
      if (isOver && isAway) awayServers.add(mcpServerId);
      return isOver;
    },
  };
}

async function depositOnce(
  api: LatchkeyApiOptions,
  entry: ImportEntry,
  { replace, dryRun }: DepositOptions,
): Promise<EntryOutcome> {
  const { userId } = entry;
  const conditions = { onlyIfAbsent: !replace, validateOnly: dryRun, unlessDisconnected: true };
  const body = { ...entry.deposit, ...lifetimeNow(entry), ...conditions };
  try {
    const { changed } = await deposit({ ...api, ...(userId !== undefined && { user: userId }) }, body);
    return { kind: changed ? 'stored' : 'unchanged' };
  } catch (error) {
    const kind = LEFT_ALONE.find((code) => error instanceof LatchkeyApiError && error.code === code);
    if (kind === undefined) throw error;
    return { kind };
  }
}

/** The line may have waited since it was read, and a token that counts as valid for too long fails a call. */
function lifetimeNow({ readAt, deposit: { expiresIn } }: ImportEntry): { expiresIn?: number } {
  if (expiresIn === undefined) return {};
  const waitedSeconds = Math.floor((performance.now() - readAt) / 1_000);
  return { expiresIn: Math.max(0, expiresIn - waitedSeconds) };
}

function waitFor(
  { retryAfterMs }: LatchkeyApiError,
  retries: number,
  { signal, timing = TIMING }: DepositOptions,
): Promise<void> {
  const ms = Math.max(retryAfterMs ?? 0, backoffMs(timing.backoff, retries));
  return delay(withJitter(ms, JITTER), undefined, { signal });
}

/** @throws if every other line would be refused in the same way */
function refuseAll(error: LatchkeyApiError): void {
  const { status, code, message } = error;
  const ours = error.fields.find(({ path }) => OWN_FIELDS.includes(path));
  if (ours !== undefined) throw new CommandRefused(olderApi(ours.path));
  if (status === 403) throw new CommandRefused(`${message} (${code})\n${ACT_FOR_USERS}`);
  const isOther = code === 'unexpected-answer' && !isOutage(error);
  if (status === 401 || status === 405 || isOther) throw error;
}

function olderApi(field: string): string {
  return `The API does not know ${field}: a server there has an older version than this command. Upgrade all of them first.`;
}

/** @throws the error if there was no answer at all */
function refusedLine(line: number, error: LatchkeyApiError): LineFailure {
  const { status, code, fields, message } = error;
  if (status === undefined) throw error;
  return { kind: 'failed', line, code, fields, message };
}
