/**
 * Workflow `mcpTools`: lists the tools of several accounts of one user. It runs in the workflow sandbox: import nothing
 * but `@temporalio/workflow`, contracts and workflow code.
 *
 * A listing is in one of these states:
 *
 * - OPENING: checks the input and registers the handlers (open-listing.ts)
 * - READING: asks all servers at once, and those again whose failure may pass (read-lists.ts)
 * - PAUSED: waits until the user has connected every server that needs it (await-connections.ts)
 * - ENDED: has a result, or was cancelled, or failed because of its input
 *
 * and moves between them like this:
 *
 * - OPENING → READING; → ENDED for invalid input
 * - READING → PAUSED if a server needs the user and the listing waits; else → ENDED
 * - PAUSED → READING when all are connected, or when time is up: all other servers are read again, because their lists
 *   may be weeks old
 * - any state → ENDED when cancelled
 *
 * A listing pauses like a step, with the parts of ../step: it registers waiters, is resumed by the same signals, and its
 * record is shown in the same places. When the history is long, it continues as new before READING and in PAUSED.
 */
import { CancellationScope, isCancellation } from '@temporalio/workflow';
import { accountOf } from '../../contracts/accounts.ts';
import type { ToolListing } from '../../contracts/activities.ts';
import { stepResultOfListing } from '../../contracts/listing.ts';
import type { McpToolsInput, McpToolsOfServer, McpToolsResult } from '../../contracts/mcp-tools.ts';
import { refuseSecondSdk } from '../one-sdk.ts';
import { continueBetweenAttempts, isTimeToContinue } from '../step/continue-as-new.ts';
import { removeWaiter } from '../step/step-activities.ts';
import { awaitConnections, findAwaited } from './await-connections.ts';
import type { CarriedListing, Listing } from './listing.ts';
import { openListing } from './open-listing.ts';
import { type Lists, readLists } from './read-lists.ts';

/**
 * Lists the tools of several accounts. One account's failure never hides another's tools.
 *
 * @param carriedOver what a run that continues another one receives; leave it out
 * @throws ApplicationFailure of type `invalid-arguments`, which is not retried
 * @throws CancelledFailure if it was cancelled
 */
export async function mcpTools(input: McpToolsInput, carriedOver?: CarriedListing): Promise<McpToolsResult> {
  refuseSecondSdk();
  const listing = openListing(input, carriedOver);
  try {
    const result = { servers: await runListing(listing) };
    // Only one that waits is shown to its user.
    if (listing.plan.waits) listing.record.finish(stepResultOfListing(result));
    return result;
  } catch (error) {
    if (isCancellation(error)) await endCancelled(listing);
    throw error;
  }
}

/** Alternates between READING and PAUSED until no server needs the user. */
async function runListing(listing: Listing): Promise<McpToolsOfServer[]> {
  const { plan, progress } = listing;
  // A new run continues the pause of the previous one.
  if (progress.awaited !== undefined) await awaitConnections(listing, progress.awaited);
  for (;;) {
    if (isTimeToContinue()) await continueBetweenAttempts(listing);
    const lists = await readLists(listing);
    const awaited = plan.waits ? findAwaited(listing, lists) : {};
    if (Object.keys(awaited).length === 0) return resultOf(listing, lists);
    await awaitConnections(listing, awaited);
  }
}

async function endCancelled({ plan, progress, record }: Listing): Promise<void> {
  if (progress.hasPaused) await CancellationScope.nonCancellable(() => removeWaiter());
  if (plan.waits) record.cancel();
}

function resultOf({ plan, progress }: Listing, lists: Lists): McpToolsOfServer[] {
  return plan.servers.map((server, position) => {
    const named = { mcpServerId: server.mcpServerId, account: accountOf(server) };
    const connectUrl = progress.timedOut?.[position];
    if (connectUrl === undefined) return { ...named, ...listOf(lists.get(position)) };
    return { ...named, failure: { kind: 'auth', code: 'reauth-timed-out' }, connectUrl };
  });
}

function listOf(list: ToolListing | undefined) {
  switch (list?.kind) {
    case 'listed':
      return { tools: list.tools, ...(list.paused && { paused: list.paused }) };
    case 'reauth-required': {
      const failure = { kind: 'auth', code: 'needs-oauth-reauth' } as const;
      return { failure, connectUrl: list.connectUrl };
    }
    case 'insufficient-scope':
      return { failure: { kind: 'auth', code: 'needs-oauth-scope' } as const };
    case 'failed':
      return { failure: list.failure };
    case undefined:
      return { failure: { kind: 'unknown', code: 'internal' } as const };
    default:
      return list satisfies never;
  }
}
