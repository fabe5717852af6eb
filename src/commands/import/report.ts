import { createSpinner } from '../spinner.ts';
import { printable } from '../table.ts';
import type { EntryOutcome } from './deposit-entry.ts';
import type { LineFailure } from './line-failure.ts';
import type { Counts, Progress } from './progress.ts';

export interface Report {
  /** Says what happened to a line, if it was not stored. */
  line(line: number, outcome: EntryOutcome): void;
  waiting(code: string): void;
  note(text: string): void;
  end(isComplete: boolean): void;
}

export interface ReportOptions {
  json: boolean;
  dryRun: boolean;
}

/** In a pipe, how many connections there are between two lines about the progress. */
const LINES_BETWEEN = 10_000;

/** Failed lines and the progress go to stderr, the result to stdout. With `--json` all lines are objects on stdout. */
export function createReport(progress: Progress, { json, dryRun }: ReportOptions): Report {
  const spinner = createSpinner(process.stderr);
  const isTty = process.stderr.isTTY === true;
  let ended = 0;
  const note = (text: string) => {
    spinner.clear();
    process.stderr.write(`${text}\n`);
  };
  const showProgress = () => {
    const text = `Line ${progress.resumeFrom()}: ${countsText(progress.counts, dryRun)}`;
    if (isTty) spinner.show(text);
    else if (ended % LINES_BETWEEN === 0) note(text);
  };
  return {
    note,
    line(line, outcome) {
      ended += 1;
      if (json) printObject(outcome, line);
      else if (outcome.kind === 'failed') note(failureText(outcome));
      showProgress();
    },
    waiting: (code) => spinner.show(`Waiting (${code}): ${countsText(progress.counts, dryRun)}`),
    end(isComplete) {
      spinner.clear();
      const { counts } = progress;
      const resumeFrom = isComplete ? undefined : progress.resumeFrom();
      if (json) print(JSON.stringify({ ...counts, dryRun, complete: isComplete, resumeFrom }));
      else print(`${countsText(counts, dryRun)}.`);
    },
  };
}

function countsText(
  { stored, unchanged, alreadyConnected, disconnected, failed }: Counts,
  dryRun: boolean,
): string {
  return [
    `${dryRun ? 'would be stored' : 'stored'} ${stored}`,
    ...(unchanged > 0 ? [`unchanged ${unchanged}`] : []),
    `already connected ${alreadyConnected}`,
    ...(disconnected > 0 ? [`disconnected ${disconnected}`] : []),
    `failed ${failed}`,
  ].join(', ');
}

/** Names of fields come from the line. */
function failureText({ line, code, fields, message }: LineFailure): string {
  const named = fields.map(({ path, message }) => `${path || 'the line'} ${message}`);
  const why = fields.length > 0 ? named.join('; ') : message;
  return printable(`line ${line}: ${code}: ${why}`);
}

function printObject(outcome: EntryOutcome, line: number): void {
  if (outcome.kind !== 'stored') print(JSON.stringify(objectOf(outcome, line)));
}

function objectOf(outcome: EntryOutcome, line: number): object {
  if (outcome.kind !== 'failed') return { line, outcome: outcome.kind };
  const { code, message, fields } = outcome;
  return { line, outcome: 'failed', code, message, errors: fields };
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
