import type { Command } from 'commander';
import { runRole } from '../process/run-role.ts';
import { asRunning, untilSignalled } from '../process/until-signalled.ts';
import { operatorHelp } from './variables-help.ts';

// Each role is imported when it runs, so that it does not load the libraries of the others.

export function addMigrate(program: Command): void {
  program
    .command('migrate')
    .description(
      'migrate the database and set up Temporal; safe to run again, and from many processes at once',
    )
    .addHelpText('after', () => operatorHelp('npx latchkey migrate', 'operator'))
    .action(() =>
      runRole(
        'operator',
        async (config, logger) => {
          const { runMigrate } = await import('../operations/migrate.ts');
          await runMigrate(config, logger);
        },
        'migrate',
      ),
    );
}

export function addWorker(program: Command): void {
  program
    .command('worker')
    .description('run one worker process; it drains on SIGTERM')
    .addHelpText('after', () => operatorHelp('npx latchkey worker', 'worker'))
    .action(() =>
      runRole('worker', async (config, logger) => {
        const { startWorker } = await import('../worker.ts');
        await untilSignalled(() => startWorker(config, logger), logger);
      }),
    );
}

export function addServer(program: Command): void {
  program
    .command('server')
    .description('run one HTTP API process; it drains on SIGTERM')
    .addHelpText('after', () => operatorHelp('npx latchkey server', 'server'))
    .action(() =>
      runRole('server', async (config, logger) => {
        const { startServer } = await import('../server.ts');
        await untilSignalled(async () => {
          const server = await startServer(config, logger);
          // SIGINT comes from a terminal, where no load balancer has to be waited for.
          const stop = (signal: NodeJS.Signals) => (signal === 'SIGINT' ? server.shutdown() : server.drain());
          return asRunning(stop, server.refused);
        }, logger);
      }),
    );
}
