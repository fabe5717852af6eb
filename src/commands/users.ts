import { type Command, InvalidArgumentError } from 'commander';
import type { OperatorConfig } from '../config/load-config.ts';
import type { Logger } from '../logging/logger.ts';
import type { Forgotten } from '../operations/forget-user.ts';
import { runRole } from '../process/run-role.ts';
import { idSchema } from '../schemas/id.ts';
import { operatorHelp } from './variables-help.ts';

interface ForgetFlags {
  json?: true;
  deleteHistory?: boolean;
  wait: number;
}

const EXIT_CODES = `
Exit code: 0 done; 1 run it again: it says why; 2 wrong configuration.
`;

export function addUsers(program: Command): void {
  const users = program.command('users').description('for operators: users, in the database and in Temporal');
  users
    .command('forget')
    .description("cancel a user's steps, revoke the grants and delete what is stored; safe to run again")
    .argument('<id>', "the user id, as in the user's tokens", parseUserId)
    .option('--json', 'print one JSON object')
    .option('--delete-history', "also delete the histories of the user's ended steps from Temporal")
    .option(
      '--wait <seconds>',
      'how long to wait for steps to end and grants to be revoked',
      parseSeconds,
      30,
    )
    .addHelpText('after', () => operatorHelp('npx latchkey users forget ada', 'operator', EXIT_CODES))
    .action((userId: string, flags: ForgetFlags) =>
      runRole(
        'operator',
        (config, logger) => forget(config, logger, userId, flags),
        'users forget',
        process.stderr,
      ),
    );
}

async function forget(
  config: OperatorConfig,
  logger: Logger,
  userId: string,
  { json, deleteHistory = false, wait }: ForgetFlags,
): Promise<void> {
  const { runForgetUser } = await import('../operations/forget-user.ts');
  const forgotten = await runForgetUser(config, logger, userId, { deleteHistory, waitMs: wait * 1_000 });
  process.stdout.write(`${json ? JSON.stringify(forgotten) : toText(forgotten)}\n`);
  if (forgotten.runAgain !== undefined) process.exitCode = 1;
}

const RUN_AGAIN: Record<NonNullable<Forgotten['runAgain']>, string> = {
  'temporal-unavailable': 'Temporal could not be reached. Run this again: steps may still be open.',
  'steps-still-open':
    'Steps are still open. Run this again when workers run, to delete what the steps store until they end.',
};

function toText(forgotten: Forgotten): string {
  const { steps, revocationsPending: pending, tombstonesLeft: left, historiesDeleted, runAgain } = forgotten;
  return [
    `steps cancelled        ${steps.cancelled}${steps.stillOpen > 0 ? `, still open ${steps.stillOpen}` : ''}`,
    `connections ended      ${forgotten.connections}`,
    `grants to be revoked   ${pending}${pending > 0 ? ' (in the background, tried for two days)' : ''}`,
    `tombstones purged      ${forgotten.tombstonesPurged}${left > 0 ? `, left to the schedule ${left}` : ''}`,
    `waiters deleted        ${forgotten.waiters}`,
    `results deleted        ${forgotten.results}`,
    `events deleted         ${forgotten.connectionEvents}`,
    `connect sessions       ${forgotten.connectSessions}`,
    `web sessions           ${forgotten.webSessions}`,
    ...(historiesDeleted === undefined ? [] : [`histories deleted      ${historiesDeleted}`]),
    ...(runAgain === undefined ? [] : [RUN_AGAIN[runAgain]]),
  ].join('\n');
}

function parseUserId(text: string): string {
  const id = idSchema.safeParse(text);
  if (!id.success) throw new InvalidArgumentError('1 to 255 characters without control characters');
  return id.data;
}

function parseSeconds(text: string): number {
  if (!/^\d{1,4}$/.test(text)) throw new InvalidArgumentError('whole seconds, up to 9999');
  return Number(text);
}
