import type { ListedStep } from '../client/steps-api.ts';
import { shortened } from '../contracts/shortened.ts';
import type { StepView, TimelineEntry } from '../contracts/step.ts';
import type { Colors } from './colors.ts';
import { resultText } from './result-text.ts';
import { paintStatus, pauseLines, statusLine } from './steps-words.ts';
import { alignColumns, formatTable, printable } from './table.ts';

const HEADING = ['step', 'status', 'reason', 'server', 'account', 'tool', 'title', 'changed'];
/** Characters of a title in a table. A pipe gets all of it. */
const MAX_TITLE = 40;

export function stepsTable(steps: readonly ListedStep[], isTty: boolean, colors: Colors): string {
  if (steps.length === 0) return isTty ? 'No steps.\n' : '';
  const rows = steps.map((step) => rowOf(step, isTty));
  return formatTable(HEADING, rows, isTty, (text, { column, row }) => {
    if (row === 0) return colors.bold(text);
    return column === 'status' ? paintStatus(colors, text) : text;
  });
}

/** One step as a line for a program: as `stepsTable` has it. */
export function stepRow(step: ListedStep): string {
  return formatTable(HEADING, [rowOf(step, false)], false);
}

function rowOf(step: ListedStep, isTty: boolean): string[] {
  const { stepId, status, awaitingInputReason, error, mcpServerId, account, tool, title = '' } = step;
  const reason = awaitingInputReason ?? error?.code ?? '';
  const shown = isTty ? shortened(title, MAX_TITLE) : title;
  return [stepId, status, reason, mcpServerId, account, tool, shown, step.updatedAt];
}

/** Everything about a step, for a person. */
export function stepReport(step: StepView, apiUrl: string, colors: Colors): string {
  const { status } = step;
  const lines = [
    ...alignColumns(factsOf(step)),
    paintStatus(colors, status, statusLine(step)),
    ...pauseLines(step, apiUrl).map((line) => `  ${line}`),
    ...section('Arguments', step.pending && [JSON.stringify(step.pending.arguments, null, 2)], colors),
    ...section('Result', step.result && [resultText(step.result)], colors),
    ...section('Timeline', alignColumns(step.timeline.map(timelineRow)), colors),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function factsOf({
  stepId,
  title,
  mcpServerId,
  account,
  tool,
  mode,
  createdAt,
  error,
}: StepView): string[][] {
  return [
    ['step', stepId],
    ...(title === undefined ? [] : [['title', printable(title)]]),
    ['server', printable(mcpServerId)],
    ...(account === 'default' ? [] : [['account', printable(account)]]),
    ['tool', printable(tool)],
    ['mode', mode],
    ['started', createdAt],
    ...(error?.serverMessage === undefined ? [] : [['server says', printable(error.serverMessage)]]),
  ];
}

function section(title: string, lines: readonly string[] | undefined, colors: Colors): string[] {
  if (lines === undefined || lines.length === 0) return [];
  const indented = lines.flatMap((text) => text.split('\n')).map((line) => `  ${line}`);
  return ['', colors.bold(title), ...indented];
}

function timelineRow({ at, event, ...details }: TimelineEntry): string[] {
  const shown = Object.entries(details).map(([name, value]) => `${name}=${textOf(value)}`);
  return [at, printable(event), printable(shown.join(' '))];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
