import { setTimeout as delay } from 'node:timers/promises';
import { ConfigurationRefused, type OperatorConfig } from '../../config/load-config.ts';
import { keepFingerprintKeys } from '../../credentials/deposit/fingerprint-key-store.ts';
import { refuseUnmigrated } from '../../db/migrations.ts';
import type { Logger } from '../../logging/logger.ts';
import { CannotRun, lastingDatabaseProblem } from '../../process/cannot-run.ts';
import { findKeyProblems } from './key-problems.ts';
import { type OpenedKeys, openKeys } from './open-keys.ts';

export interface KeyCheck {
  /**
   * The rest of the check, if the database did not answer at once. Resolves when the keys fit or the process has
   * ended first. Rejects with the errors of `checkKeys`.
   */
  rest: Promise<void>;
}

const RETRY_INTERVAL_MS = 5_000;

/**
 * Checks the keys and the migrations before a process takes work. Without a key that rows still use, or without a
 * table of this version, the process would fail one request after the other. If the database is unavailable, the
 * process starts anyway, because it can run without the database for a while. The check is then repeated until the
 * database answers.
 *
 * @param ended aborts when the process takes no more work
 * @throws ConfigurationRefused naming each missing key with the number of its values, and each key whose bytes differ
 * from those that the database knows under its id
 * @throws CannotRun if the database lacks migrations, or can't be used for a reason that will not pass by itself
 */
export async function checkKeys(
  config: Pick<OperatorConfig, 'databaseUrl' | 'encryptionKeys'>,
  logger: Logger,
  ended: AbortSignal,
): Promise<KeyCheck> {
  const opened = openKeys(config, logger);
  const outcome = await checkOnce(opened);
  if (outcome.kind === 'unanswered') {
    logger.warn({ err: outcome.error }, 'the keys in use could not be checked');
    const rest = checkUntilAnswered(opened, logger, ended).finally(opened.close);
    // A process that fails to start for another reason never awaits `rest`.
    rest.catch(() => {});
    return { rest };
  }
  await opened.close();
  if (outcome.kind === 'refused') throw outcome.refusal;
  return { rest: Promise.resolve() };
}

type CheckOutcome =
  | { kind: 'keys-fit' }
  | { kind: 'refused'; refusal: CannotRun | ConfigurationRefused }
  | { kind: 'unanswered'; error: unknown };

async function checkOnce(opened: OpenedKeys): Promise<CheckOutcome> {
  try {
    await refuseUnmigrated(opened.db);
    const before = await findKeyProblems(opened);
    if (before.length > 0) return { kind: 'refused', refusal: new ConfigurationRefused(before) };
    await keepFingerprintKeys(opened);
    // Checked again: another process may start at the same moment with other bytes under the same new id. If it
    // stored its bytes after the first check, this process stored nothing and must be refused.
    const after = await findKeyProblems(opened);
    return after.length > 0
      ? { kind: 'refused', refusal: new ConfigurationRefused(after) }
      : { kind: 'keys-fit' };
  } catch (error) {
    const lasting = lastingDatabaseProblem(error);
    if (lasting === undefined) return { kind: 'unanswered', error };
    return { kind: 'refused', refusal: new CannotRun(lasting, { cause: error }) };
  }
}

async function checkUntilAnswered(opened: OpenedKeys, logger: Logger, ended: AbortSignal): Promise<void> {
  for (;;) {
    // Rejects when `ended` aborts.
    await delay(RETRY_INTERVAL_MS, undefined, { signal: ended, ref: false }).catch(() => {});
    if (ended.aborted) return;
    const outcome = await checkOnce(opened);
    if (outcome.kind === 'refused') throw outcome.refusal;
    if (outcome.kind === 'keys-fit') {
      logger.info('the keys in use are checked');
      return;
    }
  }
}
