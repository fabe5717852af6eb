import type { Command } from 'commander';
import { operatorHelp } from '../commands/variables-help.ts';
import { runRole } from '../process/run-role.ts';
import { asRunning, untilSignalled } from '../process/until-signalled.ts';

/**
 * Adds the command `latchkey dev`. This file is the only entry of `dev/`: the command line imports it, and no other
 * file outside of `dev/` imports from here, so that no embedded server is part of a worker or an API process.
 */
export function addDev(program: Command): void {
  program
    .command('dev')
    .description('everything in one process, with an embedded Postgres and Temporal where none is configured')
    .addHelpText('after', () => operatorHelp('npx latchkey dev', 'dev'))
    .action(() =>
      runRole('dev', async (config, logger) => {
        await untilSignalled(async () => {
          const { startDev } = await import('./dev.ts');
          const dev = await startDev(config, logger);
          return asRunning(dev.shutdown, dev.failed);
        }, logger);
      }),
    );
}
