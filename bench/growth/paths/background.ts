import { expiredKinds } from '../../../src/activities/delete-expired.ts';
import { createStartLostWork } from '../../../src/activities/start-lost-work.ts';
import {
  listServersWithIdleGrants,
  takeIdleGrants,
} from '../../../src/credentials/retirement/idle-grant-store.ts';
import { countWaiters } from '../../../src/credentials/waiters/count-waiters.ts';
import { createLogger } from '../../../src/logging/logger.ts';
import {
  listConnectionEvents,
  removeConnectionEvents,
} from '../../../src/webhooks/connection-event-store.ts';
import { RETENTION } from '../fill.ts';
import type { HotPath, Operation } from './hot-path.ts';

const WORKFLOWS = {
  startResumption: async () => {},
  startRevocation: async () => {},
  startServerResumption: async () => {},
};

/** Every 30 seconds. */
export const reconcilePath: HotPath = {
  name: 'reconcile',
  operations({ pool, client }) {
    const logger = createLogger({ level: 'silent' });
    const startLostWork = createStartLostWork({ db: pool, workflows: WORKFLOWS });
    const kinds = expiredKinds({ pool, client, logger, retention: RETENTION });
    return [
      ['startLostWork', startLostWork],
      ...Object.entries(kinds).map(([kind, run]): Operation => [`deleteExpired: ${kind}`, run]),
    ];
  },
};

/** Every 5 minutes. */
export const renewIdlePath: HotPath = {
  name: 'renew-idle-grants',
  operations({ pool }) {
    const page = { after: '', limit: 100 };
    return [
      ['listServersWithIdleGrants', () => listServersWithIdleGrants(pool, page)],
      ['takeIdleGrants', () => takeIdleGrants(pool, 'server-6', { again: false, limit: 4 })],
      ['takeIdleGrants, again', () => takeIdleGrants(pool, 'server-6', { again: true, limit: 4 })],
    ];
  },
};

/** In each worker: the deliveries of webhooks, and what its metrics say. */
export const workerPath: HotPath = {
  name: 'worker',
  operations({ pool }) {
    return [
      [
        'listConnectionEvents',
        async () => {
          const events = await listConnectionEvents(pool, 25);
          await removeConnectionEvents(
            pool,
            events.map(({ id }) => id),
          );
        },
      ],
      ['countWaiters', () => countWaiters(pool)],
    ];
  },
};
