import type { Command } from 'commander';
import { runRole } from '../process/run-role.ts';
import { asRunning, untilSignalled } from '../process/until-signalled.ts';
import { variablesHelp } from './variables-help.ts';

// Each role is imported when it runs: none pays for the others' libraries.

export function addMigrate(program: Command): void {
  program
    .command('migrate')
    .description('bring the database up to date and set up Temporal; safe to run at once and again')
    .addHelpText('after', () => variablesHelp('operator'))
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
    .description('run one worker process; SIGTERM drains')
    .addHelpText('after', () => variablesHelp('worker'))
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
    .description('run one HTTP API process; SIGTERM drains')
    .addHelpText('after', () => variablesHelp('server'))
    .action(() =>
      runRole('server', async (config, logger) => {
        const { startServer } = await import('../server.ts');
        await untilSignalled(async () => {
          const server = await startServer(config, logger);
          // At a terminal there is no load balancer to wait for.
          const stop = (signal: NodeJS.Signals) => (signal === 'SIGINT' ? server.shutdown() : server.drain());
          return asRunning(stop, server.refused);
        }, logger);
      }),
    );
}
