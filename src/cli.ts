#!/usr/bin/env node
import { Command } from 'commander';
import { type Config, formatProblems, loadConfig, type Role } from './config.ts';
import { createLogger, type Logger } from './logger.ts';

interface Running {
  /** Resolves when it has ended by itself or was shut down. */
  done: Promise<void>;
  shutdown(): void;
}

const NOT_AVAILABLE = ['servers', 'steps', 'connections', 'keys'];

const program = new Command('latchkey')
  .description('MCP tool calls as durable Temporal workflow steps on behalf of end users')
  .showHelpAfterError();

program
  .command('migrate')
  .description('bring the database up to date and set up Temporal; safe to run at once and again')
  .action(() =>
    withConfig('migrate', async (config, logger) => {
      const { runMigrate } = await import('./migrate.ts');
      await runMigrate(config, logger);
    }),
  );

program
  .command('worker')
  .description('run one worker process; SIGTERM drains')
  .action(() =>
    withConfig('worker', async (config, logger) => {
      const { startWorker } = await import('./worker.ts');
      await untilSignalled(await startWorker(config, logger), logger);
    }),
  );

program
  .command('server')
  .description('run one HTTP API process; SIGTERM drains')
  .action(() =>
    withConfig('server', async (config, logger) => {
      const { startServer } = await import('./server.ts');
      const server = await startServer(config, logger);
      await untilSignalled(asRunning(server.shutdown), logger);
    }),
  );

program
  .command('dev')
  .description('everything in one process, with an embedded Postgres and Temporal where none is configured')
  .action(() =>
    withConfig('dev', async (config, logger) => {
      const { startDev } = await import('./dev.ts');
      const dev = await startDev(config, logger);
      await untilSignalled(asRunning(dev.shutdown), logger);
    }),
  );

for (const name of NOT_AVAILABLE) {
  program
    .command(name, { hidden: true })
    .allowUnknownOption()
    .argument('[args...]')
    .action(() => refuse(`latchkey ${name}: not available in this version`));
}

await program.parseAsync();

async function withConfig<R extends Role>(
  role: R,
  run: (config: Config<R>, logger: Logger) => Promise<void>,
): Promise<void> {
  const loaded = loadConfig(role);
  if (!loaded.ok) return refuse(formatProblems(loaded.problems));
  const logger = createLogger({ level: loaded.config.logLevel, name: role });
  try {
    await run(loaded.config, logger);
  } catch (error) {
    logger.fatal({ err: error }, `${role} failed`);
    process.exitCode = 1;
  }
}

function refuse(problem: string): void {
  process.stderr.write(`${problem}\n`);
  process.exitCode = 2;
}

function asRunning(shutdown: () => Promise<void>): Running {
  let settle: (ended: Promise<void>) => void = () => {};
  const done = new Promise<void>((resolve) => {
    settle = resolve;
  });
  return { done, shutdown: () => settle(shutdown()) };
}

// Once: a second signal meets Node's default and ends the process at once.
async function untilSignalled(running: Running, logger: Logger): Promise<void> {
  const onSignal = (signal: NodeJS.Signals) => {
    logger.info({ signal }, 'draining');
    running.shutdown();
  };
  process.once('SIGTERM', onSignal).once('SIGINT', onSignal);
  await running.done;
  logger.info('stopped');
}
