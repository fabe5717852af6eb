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
   * What is left where the database did not answer at once. Resolves when the keys fit, or the process has ended
   * before that was known; rejects as `checkKeys` itself would have.
   */
  rest: Promise<void>;
}

const AGAIN_AFTER_MS = 5_000;

/**
 * To be called before a process takes work: without a key that rows still use, or on a database without the tables
 * of this version, it would fail its users one by one. Where the database can't be asked the process starts all the
 * same, since it gets along without it for a while; it is asked again until it has answered.
 *
 * @param ended the process takes no more work
 * @throws ConfigurationRefused naming each missing key and how many values need it, and each key that has other
 * bytes than its id stands for
 * @throws CannotRun where the database lacks migrations or can't be used for another reason than that it is away
 */
export async function checkKeys(
  config: Pick<OperatorConfig, 'databaseUrl' | 'encryptionKeys'>,
  logger: Logger,
  ended: AbortSignal,
): Promise<KeyCheck> {
  const opened = openKeys(config, logger);
  const answer = await ask(opened);
  if (answer.kind === 'unanswered') {
    logger.warn({ err: answer.error }, 'the keys in use could not be checked');
    const rest = askUntilAnswered(opened, logger, ended).finally(opened.close);
    // A process that fails to start for another reason does not wait for it.
    rest.catch(() => {});
    return { rest };
  }
  await opened.close();
  if (answer.kind === 'refused') throw answer.refusal;
  return { rest: Promise.resolve() };
}

type Answer =
  | { kind: 'keys-fit' }
  | { kind: 'refused'; refusal: CannotRun | ConfigurationRefused }
  | { kind: 'unanswered'; error: unknown };

async function ask(opened: OpenedKeys): Promise<Answer> {
  try {
    await refuseUnmigrated(opened.db);
    const before = await findKeyProblems(opened);
    if (before.length > 0) return { kind: 'refused', refusal: new ConfigurationRefused(before) };
    await keepFingerprintKeys(opened);
    // Another process may have started at the same moment, with other bytes under a new id: one of the two was first.
    // It may have kept its bytes since the look above, and then there was nothing left to keep here.
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

async function askUntilAnswered(opened: OpenedKeys, logger: Logger, ended: AbortSignal): Promise<void> {
  for (;;) {
    // Rejects when it is aborted.
    await delay(AGAIN_AFTER_MS, undefined, { signal: ended, ref: false }).catch(() => {});
    if (ended.aborted) return;
    const answer = await ask(opened);
    if (answer.kind === 'refused') throw answer.refusal;
    if (answer.kind === 'keys-fit') {
      logger.info('the keys in use are checked');
      return;
    }
  }
}
