import type { Command } from 'commander';
import type { LatchkeyApiOptions } from '../client/api-request.ts';
import { createStepsApi, type StepsApi, type StepsFilter, type StepsPage } from '../client/steps-api.ts';
import { STEP_STATUSES, type StepStatus } from '../contracts/step.ts';
import { apiHelp } from './api-help.ts';
import { colorsOf } from './colors.ts';
import { FOLLOW_EXIT_CODES, type FollowFlags, followInTerminal, isFollowing } from './follow-in-terminal.ts';
import { choiceOption, LIMIT } from './list-options.ts';
import { parseId } from './parse-id.ts';
import { runApiCommand } from './run-api-command.ts';
import { addDecisions } from './steps-decisions.ts';
import { FOR, STEP_ID } from './steps-options.ts';
import { stepReport, stepsTable } from './steps-report.ts';
import { addStart } from './steps-start.ts';

export function addSteps(program: Command): void {
  const steps = program
    .command('steps')
    .description('your steps: call a tool as a durable step, follow it, decide about it');
  addStart(steps);
  addShow(steps);
  addList(steps);
  addDecisions(steps);
  addCancel(steps);
}

function addShow(steps: Command): void {
  steps
    .command('show')
    .description('show a step: what it waits for, its result, its timeline')
    .argument(...STEP_ID)
    .option('--watch', 'follow it to its end; the exit code says how it ended')
    .option(...FOR)
    .option(
      '--json',
      'print the step as one JSON object, as GET /steps/:stepId answers; with --watch, one a line',
    )
    .addHelpText('after', () => apiHelp('npx latchkey steps show invoice-2026-04 --watch', FOLLOW_EXIT_CODES))
    .action((stepId: string, flags: FollowFlags) =>
      runApiCommand((api) =>
        isFollowing(flags) ? followInTerminal(api, stepId, flags) : show(api, stepId, flags),
      ),
    );
}

async function show(api: LatchkeyApiOptions, stepId: string, { json }: FollowFlags): Promise<void> {
  const step = await createStepsApi(api).show(stepId);
  process.stdout.write(
    json ? `${JSON.stringify(step)}\n` : stepReport(step, api.url, colorsOf(process.stdout)),
  );
}

interface ListFlags {
  status?: StepStatus;
  server?: string;
  limit?: number;
  cursor?: string;
  all?: true;
  json?: true;
}

function addList(steps: Command): void {
  steps
    .command('list')
    .description('list your steps, open ones first: a table, or tab-separated lines in a pipe')
    .addOption(choiceOption('--status <status>', 'only steps with this status', STEP_STATUSES))
    .option('--server <id>', 'only steps that call this server', parseId)
    .option(...LIMIT)
    .option('--cursor <cursor>', 'continue after a page: its nextCursor')
    .option('--all', 'all pages')
    .option('--json', 'print one JSON object, as GET /steps answers')
    .addHelpText('after', () => apiHelp('npx latchkey steps list --status awaiting-input'))
    .action((flags: ListFlags) => runApiCommand((api) => list(createStepsApi(api), flags)));
}

async function list(api: StepsApi, { server, all, json, ...filter }: ListFlags): Promise<void> {
  const asked: StepsFilter = { ...filter, mcpServerId: server };
  const page = all ? await allPages(api, asked) : await api.list(asked);
  if (json) return print(`${JSON.stringify(page)}\n`);
  const isTty = process.stdout.isTTY === true;
  print(stepsTable(page.steps, isTty, colorsOf(process.stdout)));
  if (page.nextCursor !== undefined) {
    process.stderr.write(`There are more: --all lists all, --cursor ${page.nextCursor} the next page.\n`);
  }
}

async function allPages(api: StepsApi, filter: StepsFilter): Promise<StepsPage> {
  const steps: StepsPage['steps'] = [];
  let { cursor } = filter;
  do {
    const page: StepsPage = await api.list({ limit: 100, ...filter, cursor });
    steps.push(...page.steps);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return { steps };
}

function addCancel(steps: Command): void {
  steps
    .command('cancel')
    .description('cancel a step; one that has ended stays as it is')
    .argument(...STEP_ID)
    .option('--json', 'print one JSON object')
    .addHelpText('after', () => apiHelp('npx latchkey steps cancel invoice-2026-04'))
    .action((stepId: string, { json }: { json?: true }) =>
      runApiCommand(async (api) => {
        await createStepsApi(api).cancel(stepId);
        print(
          json ? `${JSON.stringify({ stepId, cancelling: true })}\n` : `Cancellation requested: ${stepId}\n`,
        );
      }),
    );
}

function print(text: string): void {
  process.stdout.write(text);
}
