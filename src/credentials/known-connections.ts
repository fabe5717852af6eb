import type { Db } from '../db/pool.ts';
import { type ConnectionSummary, listConnections } from './credential-store.ts';
import { type AwaitedConnection, listAwaitedConnections } from './waiters/awaited-connections.ts';

/** A user's connections as the database knows them. Steps that were terminated may still count as waiting. */
export interface KnownConnections {
  connections: ConnectionSummary[];
  /** Those that steps wait for, and that the user can make. */
  awaited: AwaitedConnection[];
}

export async function readKnownConnections(db: Db, userId: string): Promise<KnownConnections> {
  const [connections, awaited] = await Promise.all([
    listConnections(db, userId),
    listAwaitedConnections(db, userId),
  ]);
  return { connections, awaited };
}
