import { type Command, Option } from 'commander';
import type { LatchkeyApiOptions } from '../client/api-request.ts';
import { createStepsApi } from '../client/steps-api.ts';
import { present } from '../contracts/present.ts';
import {
  SIDE_EFFECTS,
  type SideEffects,
  STEP_MODES,
  type StepMode,
  type StepRequest,
  type StepTimeouts,
  type StepView,
} from '../contracts/step.ts';
import { apiHelp } from './api-help.ts';
import { ACCOUNT } from './connections.ts';
import { FOLLOW_EXIT_CODES, type FollowFlags, followInTerminal, isFollowing } from './follow-in-terminal.ts';
import { JSON_INPUT, readJsonObject } from './json-input.ts';
import { parseId } from './parse-id.ts';
import { runApiCommand } from './run-api-command.ts';
import { FOR, parseStepId, TIMEOUT } from './steps-options.ts';
import { stepRow } from './steps-report.ts';
import { printable } from './table.ts';

interface StartFlags extends FollowFlags {
  account?: string;
  arguments?: string;
  stepId?: string;
  title?: string;
  mode?: StepMode;
  sideEffects?: SideEffects;
  timeout?: StepTimeouts;
}

const EXAMPLE = `npx latchkey steps start ledger create_invoice --arguments '{"amount": 10}' --wait`;

export function addStart(steps: Command): void {
  steps
    .command('start')
    .description('call a tool as a durable step; the same --step-id with the same request is the same step')
    .argument('<server>', "the MCP server's id", parseId)
    .argument('<tool>', "the tool's name", parseId)
    .option('--arguments <json>', `the tool's arguments: ${JSON_INPUT}`)
    .option(...ACCOUNT)
    .option('--step-id <id>', 'the id of the step (default: a random one)', parseStepId)
    .option('--title <text>', 'what people see instead of the name of the tool')
    .addOption(new Option('--mode <mode>', 'when a person is asked first').choices(STEP_MODES))
    .addOption(
      new Option('--side-effects <kind>', 'whether a lost call may be repeated').choices(SIDE_EFFECTS),
    )
    .option(...TIMEOUT)
    .option('--wait', 'follow it to its end; the exit code says how it ended')
    .option(...FOR)
    .option('--json', 'print the step as one JSON object, as POST /steps answers; with --wait, one a line')
    .addHelpText('after', () => apiHelp(EXAMPLE, FOLLOW_EXIT_CODES))
    .action((server: string, tool: string, flags: StartFlags) =>
      runApiCommand((api) => start(api, { server, tool }, flags)),
    );
}

async function start(
  api: LatchkeyApiOptions,
  { server, tool }: { server: string; tool: string },
  flags: StartFlags,
): Promise<void> {
  const { step, created } = await createStepsApi(api).start(await requestOf(server, tool, flags));
  if (isFollowing(flags)) return followInTerminal(api, step.stepId, flags, step);
  process.stdout.write(flags.json ? `${JSON.stringify(step)}\n` : startedText(step, created));
}

async function requestOf(mcpServerId: string, tool: string, flags: StartFlags): Promise<StepRequest> {
  const { account, stepId, title, mode, sideEffects, timeout: timeouts } = flags;
  const given =
    flags.arguments === undefined ? undefined : await readJsonObject('--arguments', flags.arguments);
  return {
    mcpServerId,
    tool,
    ...present({ account, stepId, title, mode, sideEffects, timeouts, arguments: given }),
  };
}

function startedText(step: StepView, created: boolean): string {
  if (process.stdout.isTTY !== true) return stepRow(step);
  const call = `${printable(step.mcpServerId)}, ${printable(step.tool)}`;
  const started = created ? 'Started' : 'Was started before';
  return `${started}: ${step.stepId} (${call})\nFollow it: latchkey steps show ${step.stepId} --watch\n`;
}
