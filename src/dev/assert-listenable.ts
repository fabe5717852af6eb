import { once } from 'node:events';
import { createServer } from 'node:net';
import { listenFailure } from '../process/cannot-run.ts';

/**
 * Fails before anything else is started where the address can't be listened on later.
 *
 * @throws CannotRun
 */
export async function assertListenable({ host, port }: { host: string; port: number }): Promise<void> {
  const probe = createServer();
  try {
    await once(probe.listen({ host, port }), 'listening');
  } catch (error) {
    throw listenFailure(error, { host, port });
  }
  probe.close();
  await once(probe, 'close');
}
