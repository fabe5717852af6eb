import { startDeadline } from '../async/deadline.ts';
import type { LatchkeyApiOptions } from '../client/api-request.ts';
import { followStep } from '../client/follow-step.ts';
import { createStepsApi } from '../client/steps-api.ts';
import type { StepView } from '../contracts/step.ts';
import { colorsOf } from './colors.ts';
import { endingSignal } from './ending-signal.ts';
import { resultText } from './result-text.ts';
import { createSpinner, type Spinner } from './spinner.ts';
import { paintStatus, pauseLines, STATUS_EXIT_CODES, statusLine } from './steps-words.ts';
import { printable } from './table.ts';

export interface FollowFlags {
  json?: true;
  /** Milliseconds. Undefined: to the step's end. */
  for?: number;
  watch?: true;
  wait?: true;
}

/** Whether the command follows the step. `--for` says so too. */
export function isFollowing({ watch, wait, for: ms }: FollowFlags): boolean {
  return watch ?? wait ?? ms !== undefined;
}

/** The end of the help of the commands that can follow a step. */
export const FOLLOW_EXIT_CODES = `
Exit code: 0 done, and if it follows the step: success; 1 not done; 2 wrong configuration, or no Latchkey to ask. If it
follows the step: 3 error; 4 skipped; 5 cancelled; with --for: 6 it waits for you; 7 it runs; 130 stopped by Ctrl-C; 143
by SIGTERM. The step goes on after the command ends.`;

/**
 * Prints a step's changes until it has ended: lines, or one JSON object a line. A pause is printed once, with where to
 * end it. The exit code says how the step stands.
 *
 * @param from the step as it is known, which is printed first
 */
export async function followInTerminal(
  api: LatchkeyApiOptions,
  stepId: string,
  flags: FollowFlags,
  from?: StepView,
): Promise<void> {
  const spinner = createSpinner(process.stderr);
  const say = (text: string) => {
    spinner.clear();
    process.stderr.write(`${text}\n`);
  };
  const ending = endingSignal(
    () => `\nNo longer following. The step goes on: latchkey steps show ${stepId} --watch`,
  );
  const deadline = flags.for === undefined ? undefined : startDeadline(flags.for, ending.signal);
  const signal = deadline?.signal ?? ending.signal;
  const onOutage = () => say(`Latchkey does not answer at ${api.url}. Still trying.`);
  let last: StepView | undefined;
  try {
    for await (const step of followStep(createStepsApi(api), stepId, { signal, from, onOutage })) {
      spinner.clear();
      print(flags.json ? JSON.stringify(step) : stageText(step, api.url, last === undefined));
      last = step;
      if (!flags.json) showWaiting(spinner, step);
    }
    if (last !== undefined) process.exitCode = STATUS_EXIT_CODES[last.status];
  } catch (error) {
    if (!signal.aborted) throw error;
    if (!ending.signal.aborted) say('The time of --for is over. The step goes on.');
    process.exitCode = ending.signal.aborted ? ending.exitCode() : codeOf(last);
  } finally {
    spinner.clear();
    deadline?.clear();
  }
}

/** A step that was never seen is not done. */
function codeOf(last: StepView | undefined): number {
  return last === undefined ? 1 : STATUS_EXIT_CODES[last.status];
}

function showWaiting(spinner: Spinner, { status }: StepView): void {
  if (status === 'running') spinner.show('Running. Ctrl-C stops following, not the step.');
  if (status === 'awaiting-input') spinner.show('Waiting for you. Ctrl-C stops following, not the step.');
}

function stageText(step: StepView, apiUrl: string, isFirst: boolean): string {
  const colors = colorsOf(process.stdout);
  const { stepId, mcpServerId, tool, status, result } = step;
  return [
    ...(isFirst ? [`Step ${stepId}: ${printable(mcpServerId)}, ${printable(tool)}`] : []),
    paintStatus(colors, status, statusLine(step)),
    ...pauseLines(step, apiUrl).map((line) => `  ${line}`),
    ...(result === undefined ? [] : ['', resultText(result)]),
  ].join('\n');
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
