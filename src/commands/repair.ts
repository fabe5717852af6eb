import { type Command, Option } from 'commander';
import type { Repaired, RepairOutcome, Restored } from '../operations/repair.ts';
import { runRole } from '../process/run-role.ts';
import { operatorHelp } from './variables-help.ts';

interface RepairFlags {
  restored: Restored;
  json?: true;
  workersAreStopped?: true;
}

const EXIT_CODES = `
Exit code: 0 repaired; 1 nothing was done, because workers run; 2 wrong configuration.
`;

export function addRepair(program: Command): void {
  const restored = new Option('--restored <database>', 'the database that was restored; the other was not')
    .choices(['postgres', 'temporal'])
    .makeOptionMandatory();
  program
    .command('repair')
    .description(
      'after one of the two databases was restored from a backup; before the workers are started again',
    )
    .addOption(restored)
    .option('--workers-are-stopped', 'do not check whether a worker has polled within the last minute')
    .option('--json', 'print one JSON object')
    .addHelpText('after', () =>
      operatorHelp('npx latchkey repair --restored postgres', 'operator', EXIT_CODES),
    )
    .action((flags: RepairFlags) =>
      runRole(
        'operator',
        async (config, logger) => {
          const { runRepair } = await import('../operations/repair.ts');
          const { restored, workersAreStopped = false } = flags;
          report(await runRepair(config, logger, { restored, workersAreStopped }), flags);
        },
        'repair',
        process.stderr,
      ),
    );
}

function report(outcome: RepairOutcome, { json }: RepairFlags): void {
  if (json) process.stdout.write(`${JSON.stringify(outcome)}\n`);
  switch (outcome.kind) {
    case 'repaired':
      if (!json) process.stdout.write(`${toText(outcome.repaired)}\n`);
      return;
    case 'workers-running':
      process.exitCode = 1;
      if (!json) process.stderr.write(`${refusal(outcome.workers)}\n`);
      return;
    default:
      outcome satisfies never;
  }
}

function refusal(workers: string[]): string {
  return [
    'Nothing was done: workers have asked for tasks within the last minute.',
    ...workers.map((identity) => `  ${identity}`),
    'Stop all workers and servers first; --workers-are-stopped if they have just been stopped.',
  ].join('\n');
}

function toText({ told, raised, disconnected }: Repaired): string {
  return [
    `open steps signalled          ${told}`,
    ...(raised === undefined ? [] : [`versions raised               ${raised} connections`]),
    ...(disconnected === undefined ? [] : [`connections ended again       ${disconnected}`]),
    'Start the workers: steps that can continue do so, and steps that wait for their users register again.',
  ].join('\n');
}
