import { addAbortSignal, type Readable } from 'node:stream';
import { createKeyedQueue } from '../../async/keyed-queue.ts';
import { forEachConcurrently } from '../../async/map-concurrently.ts';
import type { LatchkeyApiOptions } from '../../client/api-request.ts';
import { endingSignal } from '../ending-signal.ts';
import type { Format } from './candidate.ts';
import { type DepositOptions, depositEntry, type EntryOutcome } from './deposit-entry.ts';
import { type LineFailure, orInvalidRecord } from './line-failure.ts';
import type { LineNumbersFile } from './line-numbers.ts';
import { createProgress, type Progress } from './progress.ts';
import { readLines } from './read-lines.ts';
import { readRecords } from './read-records.ts';
import { createReport, type Report } from './report.ts';
import { type ImportEntry, toEntry } from './to-entry.ts';

export interface ImportOptions {
  format: Format;
  replace: boolean;
  dryRun: boolean;
  json: boolean;
  /** Requests at once. */
  concurrency: number;
  /** The first line that is imported. */
  resumeFrom: number;
  /** Undefined: all lines. */
  onlyLines: ReadonlySet<number> | undefined;
  failedLines: LineNumbersFile | undefined;
}

/**
 * Deposits the connections that a stream has, one a line. One that can't be imported never stops the others. The exit
 * code is 1 if a line failed or it could not go on, such as when its output was closed, and 128 + the
 * signal's number after a signal: requests under way are finished first.
 *
 * @throws LatchkeyApiError if no other line can succeed either, once it has said where to go on
 */
export async function importConnections(
  api: LatchkeyApiOptions,
  input: Readable,
  options: ImportOptions,
): Promise<void> {
  const progress = createProgress(options.resumeFrom);
  const ending = endingSignal(() => 'Stopping after the requests under way. Again: at once.');
  const stopping = new AbortController();
  ending.signal.addEventListener('abort', () => stopping.abort(), { once: true });
  for (const output of [process.stdout, process.stderr]) output.on('error', () => stopping.abort());
  const report = createReport(progress, options);
  let isComplete = false;
  try {
    await importLines(api, input, options, { progress, report, stopping });
    isComplete = !stopping.signal.aborted;
  } finally {
    report.end(isComplete);
    if (!isComplete) report.note(`Go on with --resume-from ${progress.resumeFrom()}`);
    if (!isComplete || progress.counts.failed > 0) process.exitCode = 1;
    if (ending.signal.aborted) process.exitCode = ending.exitCode();
    await options.failedLines?.close();
  }
}

interface Running {
  progress: Progress;
  report: Report;
  /** Aborts at the first signal, or when the import can't go on. */
  stopping: AbortController;
}

async function importLines(
  api: LatchkeyApiOptions,
  input: Readable,
  options: ImportOptions,
  { progress, report, stopping }: Running,
): Promise<void> {
  const { signal } = stopping;
  const depositing = { ...options, signal, onWait: report.waiting, awayServers: new Set<string>() };
  const inTurn = createKeyedQueue();
  const importOne = async (one: ImportEntry | LineFailure) => {
    if (signal.aborted) return;
    progress.begin(one.line);
    const outcome = await outcomeOf(api, one, depositing, inTurn);
    progress.end(one.line, outcome.kind);
    report.line(one.line, outcome);
    if (outcome.kind === 'failed') options.failedLines?.add(one.line);
  };
  const stopAll = (error: unknown) => {
    const isFirst = !signal.aborted;
    stopping.abort();
    if (isFirst) throw error;
  };
  const entries = wantedEntries(untilStopped(input, signal), options);
  await forEachConcurrently(entries, (one) => importOne(one).catch(stopAll), options.concurrency);
}

/** The bytes of a stream, which ends when the import stops. */
async function* untilStopped(input: Readable, signal: AbortSignal): AsyncGenerator<Uint8Array, void> {
  try {
    yield* addAbortSignal(signal, input);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function* wantedEntries(
  input: AsyncGenerator<Uint8Array, void>,
  { format, resumeFrom, onlyLines }: ImportOptions,
): AsyncGenerator<ImportEntry | LineFailure, void> {
  for await (const one of format(readRecords(readLines(input)))) {
    const isWanted = one.line >= resumeFrom && (onlyLines?.has(one.line) ?? true);
    if (isWanted) yield one.kind === 'failed' ? one : orInvalidRecord(one.line, () => toEntry(one));
  }
}

/** Two lines of the same connection are deposited in their order, so that the first one wins. */
async function outcomeOf(
  api: LatchkeyApiOptions,
  one: ImportEntry | LineFailure,
  options: DepositOptions,
  inTurn: ReturnType<typeof createKeyedQueue>,
): Promise<EntryOutcome> {
  if (one.kind === 'failed') return one;
  const { mcpServerId, account = 'default' } = one.deposit;
  const key = JSON.stringify([one.userId, mcpServerId, account]);
  return inTurn(key, () => depositEntry(api, one, options));
}
