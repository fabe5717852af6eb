import { setTimeout as delay } from 'node:timers/promises';
import { connectUrl } from '../contracts/urls.ts';
import type { WebhookEvent } from '../contracts/webhooks.ts';
import type { Db } from '../db/pool.ts';
import type { Logger } from '../logging/logger.ts';
import {
  type ConnectionEvent,
  listConnectionEvents,
  removeConnectionEvents,
} from './connection-event-store.ts';
import { type DeliveryDependencies, startDelivery } from './start-delivery.ts';

export interface AnnouncerDependencies extends DeliveryDependencies {
  db: Db;
  logger: Logger;
  publicUrl: string;
}

export interface Announcer {
  /** Resolves when the last page is done. */
  stop(): Promise<void>;
}

const POLL_INTERVAL_MS = 1_000;
const INTERVAL_AFTER_FAILURE_MS = 10_000;
const PAGE_SIZE = 25;

/**
 * Polls every second for connection events and starts their deliveries. Workers need no coordination, because the
 * delivery of an event is one workflow, no matter which worker starts it.
 */
export function announceConnections(deps: AnnouncerDependencies): Announcer {
  const stopping = new AbortController();
  const announcing = announceUntil(stopping.signal, deps);
  return {
    async stop() {
      stopping.abort();
      await announcing;
    },
  };
}

async function announceUntil(stopping: AbortSignal, deps: AnnouncerDependencies): Promise<void> {
  while (!stopping.aborted) {
    const pause = await announcePage(deps).then(
      (announced) => (announced < PAGE_SIZE ? POLL_INTERVAL_MS : 0),
      (error: unknown) => {
        deps.logger.warn({ err: error }, 'connection events could not be announced yet');
        return INTERVAL_AFTER_FAILURE_MS;
      },
    );
    await delay(pause, undefined, { signal: stopping }).catch(() => undefined);
  }
}

// Events are removed after their deliveries have started: if the worker dies in between, another one starts them
// again.
async function announcePage(deps: AnnouncerDependencies): Promise<number> {
  const events = await listConnectionEvents(deps.db, PAGE_SIZE);
  if (events.length === 0) return 0;
  await Promise.all(events.map((event) => startDelivery(deps, webhookOf(event, deps.publicUrl))));
  const ids = events.map(({ id }) => id);
  await removeConnectionEvents(deps.db, ids);
  return events.length;
}

function webhookOf(event: ConnectionEvent, publicUrl: string): WebhookEvent {
  const { userId, mcpServerId, account, status, reason, version } = event;
  const isConnected = status === 'connected';
  return {
    id: `connection_${event.id}`,
    payload: {
      type: isConnected ? 'connection.connected' : 'connection.reauth_required',
      timestamp: event.happenedAt.toISOString(),
      data: {
        userId,
        mcpServerId,
        account,
        status,
        ...(reason !== null && { reason }),
        version,
        ...(!isConnected && { connectUrl: connectUrl(publicUrl, mcpServerId, undefined, account) }),
      },
    },
  };
}
