import { listServersWithIdleGrants as listServers } from '../credentials/retirement/idle-grant-store.ts';
import type { Db } from '../db/pool.ts';

const PAGE = 100;

/** One page of the servers with grants to renew, in the order of their ids; empty: there are no more. */
export function createListServersWithIdleGrants({ db }: { db: Db }) {
  return async function listServersWithIdleGrants(input: { after: string }): Promise<string[]> {
    return listServers(db, { after: input.after, limit: PAGE });
  };
}
