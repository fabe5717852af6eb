import { Argument, type Command } from 'commander';
import type { LatchkeyApiOptions } from '../client/api-request.ts';
import { createStepsApi } from '../client/steps-api.ts';
import type { ResolveStep } from '../contracts/messages.ts';
import { present } from '../contracts/present.ts';
import type { StepView } from '../contracts/step.ts';
import { apiHelp } from './api-help.ts';
import { FOLLOW_EXIT_CODES, type FollowFlags, followInTerminal, isFollowing } from './follow-in-terminal.ts';
import { JSON_INPUT, readJsonObject } from './json-input.ts';
import { runApiCommand } from './run-api-command.ts';
import { FOR, PAUSE, STEP_ID } from './steps-options.ts';
import { stepRow } from './steps-report.ts';

interface DecisionFlags extends FollowFlags {
  pause?: string;
}

const WAIT = ['--wait', 'then follow it to its end; the exit code says how it ended'] as const;
const JSON_FLAG = ['--json', 'print the step as one JSON object; with --wait, one a line'] as const;
const ACTIONS: readonly ResolveStep['action'][] = ['retry', 'succeed', 'fail'];

/** Adds the commands by which a person decides about a paused step. */
export function addDecisions(steps: Command): void {
  addApprove(steps);
  addReject(steps);
  addResolve(steps);
}

function addApprove(steps: Command): void {
  steps
    .command('approve')
    .description('approve a step that needs it, optionally with other arguments')
    .argument(...STEP_ID)
    .option('--arguments <json>', `other arguments than it was started with: ${JSON_INPUT}`)
    .option(...PAUSE)
    .option(...WAIT)
    .option(...FOR)
    .option(...JSON_FLAG)
    .addHelpText('after', () =>
      apiHelp('npx latchkey steps approve invoice-2026-04 --wait', FOLLOW_EXIT_CODES),
    )
    .action((stepId: string, flags: DecisionFlags & { arguments?: string }) =>
      runApiCommand(async (api) => {
        const edited =
          flags.arguments === undefined ? undefined : await readJsonObject('--arguments', flags.arguments);
        const message = present({ pause: flags.pause, arguments: edited });
        await report(api, 'Approved', flags, await createStepsApi(api).approve(stepId, message));
      }),
    );
}

function addReject(steps: Command): void {
  steps
    .command('reject')
    .description('reject a step that needs approval; it ends as skipped, and its tool is not called')
    .argument(...STEP_ID)
    .option('--reason <text>', 'why, for the timeline')
    .option(...PAUSE)
    .option('--json', 'print the step as one JSON object')
    .addHelpText('after', () => apiHelp("npx latchkey steps reject invoice-2026-04 --reason 'wrong amount'"))
    .action((stepId: string, flags: DecisionFlags & { reason?: string }) =>
      runApiCommand(async (api) => {
        const message = present({ pause: flags.pause, reason: flags.reason });
        await report(api, 'Rejected', flags, await createStepsApi(api).reject(stepId, message));
      }),
    );
}

const RESOLVE_HELP = `
retry calls the tool again, which may then run twice; succeed ends the step with --result; fail ends it with an error.
${FOLLOW_EXIT_CODES}`;

function addResolve(steps: Command): void {
  steps
    .command('resolve')
    .description('decide about a step whose call was sent and got no answer')
    .argument(...STEP_ID)
    .addArgument(new Argument('<action>', 'what is to happen').choices(ACTIONS))
    .option('--result <json>', `with succeed: what the tool would have returned: ${JSON_INPUT}`)
    .option(...PAUSE)
    .option(...WAIT)
    .option(...FOR)
    .option(...JSON_FLAG)
    .addHelpText('after', () => apiHelp('npx latchkey steps resolve invoice-2026-04 retry', RESOLVE_HELP))
    .action((stepId: string, action: ResolveStep['action'], flags: DecisionFlags & { result?: string }) =>
      runApiCommand(async (api) => {
        const result =
          flags.result === undefined ? undefined : await readJsonObject('--result', flags.result);
        const message = { action, ...present({ pause: flags.pause, result }) };
        await report(api, 'Decided', flags, await createStepsApi(api).resolve(stepId, message));
      }),
    );
}

async function report(
  api: LatchkeyApiOptions,
  done: string,
  flags: DecisionFlags,
  step: StepView,
): Promise<void> {
  if (isFollowing(flags)) return followInTerminal(api, step.stepId, flags, step);
  const isTty = process.stdout.isTTY === true;
  const text = isTty ? `${done}: ${step.stepId} (${step.status})\n` : stepRow(step);
  process.stdout.write(flags.json ? `${JSON.stringify(step)}\n` : text);
}
