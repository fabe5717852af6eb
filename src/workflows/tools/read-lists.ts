import { proxyActivities, sleep } from '@temporalio/workflow';
import type { LatchkeyActivities, ToolListing } from '../../contracts/activities.ts';
import { backoffMs, withJitter } from '../../contracts/backoff.ts';
import { MAX_LISTED_BYTES, type ServerAccount } from '../../contracts/mcp-tools.ts';
import { serverNames } from '../../contracts/summaries.ts';
import { shownFor } from '../step/step-activities.ts';
import type { Listing } from './listing.ts';

/** Retried until it returns outcomes. */
const { listTools } = proxyActivities<Pick<LatchkeyActivities, 'listTools'>>({
  startToCloseTimeout: '5m',
  heartbeatTimeout: '30s',
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '30s' },
});

/** What became of the lists, by the position of their servers. */
export type Lists = Map<number, ToolListing>;

/** How long a failure that may pass is tried again, ms. An agent waits for the answer. */
const RETRY_FOR_MS = 30_000;
const BACKOFF = { firstMs: 1_000, maxMs: 10_000 };

/**
 * Lists the tools of all servers but those that were not connected in time. Lists those again whose failure may pass, for
 * up to 30 s, unless the listing has to pause first: all are listed again after a pause.
 */
export async function readLists(listing: Listing): Promise<Lists> {
  const { plan, progress } = listing;
  const positions = plan.servers.map((_, position) => position);
  const wanted = positions.filter((position) => progress.timedOut?.[position] === undefined);
  const lists: Lists = new Map();
  const until = Date.now() + RETRY_FOR_MS;
  await readInto(lists, listing, wanted);
  for (let times = 0; ; times++) {
    if (plan.waits && [...lists.values()].some(needsUser)) return lists;
    const failed = wanted.filter((position) => mayPass(lists.get(position)));
    const waitMs = Math.max(retryAfterMs(failed, lists), waitBeforeRetryMs(times));
    if (failed.length === 0 || Date.now() + waitMs > until) return lists;
    await sleep(waitMs, { summary: `lists of ${serverNames(serversAt(listing, failed))} failed` });
    await readInto(lists, listing, failed);
  }
}

/** Whether only the user can help. */
export function needsUser(
  listing: ToolListing,
): listing is Extract<ToolListing, { kind: 'reauth-required' | 'insufficient-scope' }> {
  return listing.kind === 'reauth-required' || listing.kind === 'insufficient-scope';
}

async function readInto(lists: Lists, listing: Listing, positions: readonly number[]): Promise<void> {
  if (positions.length === 0) return;
  const { plan, credentials } = listing;
  const { userId, detail } = plan;
  for (const credential of credentials) credential.clearHint();
  const maxBytes = MAX_LISTED_BYTES - bytesOf(lists);
  const wanted = serversAt(listing, positions);
  const read = await listTools.executeWithOptions(shownFor(userId, `tools of ${serverNames(wanted)}`), [
    { userId, servers: wanted, detail, maxBytes },
  ]);
  for (const [index, position] of positions.entries()) {
    const outcome = read[index];
    if (outcome !== undefined) lists.set(position, outcome);
  }
}

function serversAt({ plan }: Listing, positions: readonly number[]): ServerAccount[] {
  return plan.servers.filter((_, position) => positions.includes(position));
}

function bytesOf(lists: Lists): number {
  return [...lists.values()].reduce((sum, list) => sum + (list.kind === 'listed' ? list.bytes : 0), 0);
}

function mayPass(list: ToolListing | undefined): boolean {
  return list?.kind === 'failed' && list.mayPass === true;
}

/** The shortest time that a server asked for: the others are tried again later, too. */
function retryAfterMs(failed: readonly number[], lists: Lists): number {
  const asked = failed.map((position) => {
    const list = lists.get(position);
    return list?.kind === 'failed' ? (list.retryAfterMs ?? 0) : 0;
  });
  return asked.length === 0 ? 0 : Math.min(...asked);
}

function waitBeforeRetryMs(times: number): number {
  return withJitter(backoffMs(BACKOFF, times), { from: 0.5, spread: 0.5 });
}
