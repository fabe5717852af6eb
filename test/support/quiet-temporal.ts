import { IllegalStateError } from '@temporalio/common';
import { DefaultLogger, Runtime } from '@temporalio/worker';

/**
 * Silences the Temporal SDK in this process. To be called before its first native connection or worker; again
 * is harmless.
 */
export function quietTemporal(): void {
  try {
    Runtime.install({
      logger: new DefaultLogger('ERROR', () => {}),
      telemetryOptions: { logging: { filter: 'off' } },
    });
  } catch (error) {
    if (!(error instanceof IllegalStateError)) throw error;
  }
}
