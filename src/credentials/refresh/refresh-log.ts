import { credentialKey } from '../../contracts/accounts.ts';
import type { CredentialKey, CredentialVersions } from '../../contracts/activities.ts';
import type { Logger } from '../../logging/logger.ts';

/**
 * The log lines of one credential's refreshes. `docs/logging.md` documents names and fields; none may hold a secret.
 */
export interface RefreshLog {
  started(grantSeq: number): void;
  /** @param ms from `started` until the new tokens were stored */
  done(grantSeq: number, versions: CredentialVersions, ms: number): void;
  /** @param detail what is wrong, or what is done about it */
  failed(cause: string, detail?: string): void;
  takenOver(): void;
  writeBackRetrying(attempt: number, error: unknown): void;
}

export function createRefreshLog(logger: Logger, target: CredentialKey): RefreshLog {
  const key = credentialKey(target);
  const line = (event: string, fields: object) => ({ event, ...key, ...fields });
  return {
    started: (grantSeq) => logger.info(line('refresh.started', { grantSeq }), 'refresh.started'),
    done(grantSeq, { credentialVersion, tokenVersion }, ms) {
      const fields = { grantSeq, credentialVersion, tokenVersion, ms: Math.round(ms) };
      logger.info(line('refresh.done', fields), 'refresh.done');
    },
    failed(cause, detail) {
      const fields = { cause, ...(detail !== undefined && { detail }) };
      logger.warn(line('refresh.failed', fields), 'refresh.failed');
    },
    takenOver: () => logger.warn(line('refresh.taken-over', {}), 'refresh.taken-over'),
    writeBackRetrying: (attempt, err) =>
      logger.error(line('writeback.retrying', { attempt, err }), 'writeback.retrying'),
  };
}
