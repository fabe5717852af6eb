import { type Command, InvalidArgumentError } from 'commander';
import type { OperatorConfig } from '../config/load-config.ts';
import type { Logger } from '../logging/logger.ts';
import { runRole } from '../process/run-role.ts';
import { endingSignal } from './ending-signal.ts';
import { reportRotation, reportStatus } from './keys-report.ts';
import { operatorHelp } from './variables-help.ts';

interface RotateFlags {
  json?: true;
  batch: number;
  giveUp: string[];
}

/** The size of a batch in memory. A larger value is a batch of its own. */
const BATCH_BYTES = 8 * 1024 * 1024;

export function addKeys(program: Command): void {
  const keys = program
    .command('keys')
    .description('the encryption keys: show what uses them, and re-encrypt it under the first one');
  keys
    .command('status')
    .description('show what is encrypted under each key; exits 1 when a key that is in use is not configured')
    .option('--json', 'one JSON object')
    .addHelpText('after', () => operatorHelp('npx latchkey keys status', 'operator', STATUS_HELP))
    .action((flags: { json?: true }) =>
      runRole(
        'operator',
        (config, logger) => status(config, logger, flags.json ?? false),
        'keys',
        process.stderr,
      ),
    );
  keys
    .command('rotate')
    .description('re-encrypt under the first key what is encrypted under others, while everything runs')
    .option('--json', 'one JSON object a line')
    .option('--batch <count>', 'values in one batch (1–1000)', batchSize, 200)
    .option(
      '--give-up <kid>',
      'discard what this key does not decrypt, which is lost; can be repeated. ' +
        'Users have to connect again, and servers have to be registered again',
      (kid: string, kids: string[]) => [...kids, kid],
      [],
    )
    .addHelpText('after', () => operatorHelp('npx latchkey keys rotate', 'operator', ROTATE_HELP))
    .action((flags: RotateFlags) =>
      runRole('operator', (config, logger) => rotate(config, logger, flags), 'keys', process.stderr),
    );
}

const STATUS_HELP = `
Exit code: 0 all keys in use are configured; 1 one is not; 2 wrong configuration.
`;

const ROTATE_HELP = `
Can be run at any time, and again after it was interrupted. SIGTERM and SIGINT end it after the current batch.
Exit code: 0 nothing is left under other keys; 1 something is left, or a flag is wrong; 2 wrong configuration; 128 + signal: interrupted.
`;

function batchSize(text: string): number {
  const count = Number(text);
  if (!/^\d{1,4}$/.test(text) || count < 1 || count > 1000) throw new InvalidArgumentError('1–1000');
  return count;
}

async function status(config: OperatorConfig, logger: Logger, json: boolean): Promise<void> {
  const { openKeys } = await import('../vault/boot-check/open-keys.ts');
  const { refuseMismatchedKeys } = await import('../vault/boot-check/key-problems.ts');
  const { readKeysStatus } = await import('../vault/rotation/key-status.ts');
  const opened = openKeys(config, logger);
  try {
    await refuseMismatchedKeys(opened, new Set());
    const found = await readKeysStatus(opened.db, opened.keyRing);
    reportStatus(found, json);
    if (found.keys.some((key) => !key.configured)) process.exitCode = 1;
  } finally {
    await opened.close();
  }
}

async function rotate(config: OperatorConfig, logger: Logger, flags: RotateFlags): Promise<void> {
  const { openKeys } = await import('../vault/boot-check/open-keys.ts');
  const { refuseMismatchedKeys } = await import('../vault/boot-check/key-problems.ts');
  const { rotateKeys } = await import('../vault/rotation/rotate-keys.ts');
  const report = reportRotation(flags.json ?? false);
  const opened = openKeys(config, logger);
  const giveUp = new Set(flags.giveUp);
  const ending = endingSignal((signal) => `${signal}: ending after this batch`);
  try {
    await refuseMismatchedKeys(opened, giveUp);
    const outcome = await rotateKeys(opened, {
      limits: { rows: flags.batch, bytes: BATCH_BYTES },
      giveUp,
      signal: ending.signal,
      onProgress: report.progress,
    });
    const isComplete = report.outcome(outcome);
    if (outcome.kind === 'interrupted') process.exitCode = ending.exitCode();
    else if (!isComplete) process.exitCode = 1;
  } finally {
    await opened.close();
  }
}
