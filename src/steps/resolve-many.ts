import type { Client } from '@temporalio/client';
import { type ResolveStep, resolve } from '../contracts/messages.ts';
import { openStepsOfServer } from './open-steps-of-server.ts';
import { type DecisionOutcome, sendDecision } from './send-decision.ts';

/** Selects steps of one server, of all users, and says how to resolve them. */
export interface ResolveMany {
  /** Only steps that call this server. */
  mcpServerId: string;
  /** Only steps that were created (`createdAt`) at this time or later. */
  from: Date;
  /** Only steps that were created at this time or before. */
  to: Date;
  /** What became of their calls. */
  resolution: Omit<ResolveStep, 'pause'>;
}

/** How many steps were resolved, did not wait for a resolution, and could not be resolved. */
export interface ResolvedMany {
  /** Steps that act on it. */
  resolved: number;
  /** Steps that waited for something else, or had ended. */
  skipped: number;
  /** Steps that may still wait: ask again. */
  failed: number;
}

/** The steps of one page are resolved at the same time. */
const PAGE_SIZE = 25;
const NO_WORKER = 'no-worker';

type OutcomeKind = DecisionOutcome['kind'];

const COUNTED_AS: Record<OutcomeKind, keyof ResolvedMany> = {
  applied: 'resolved',
  'not-waiting': 'skipped',
  'not-found': 'skipped',
  invalid: 'failed',
  unchecked: 'failed',
  'too-many': 'failed',
  'no-worker': 'failed',
};

/**
 * Resolves every step of a server that was started within a time span and waits with `outcome-unknown`. Temporal's
 * visibility lags by about a second: a step that paused just now may be missed, and the next call finds it. Once no
 * worker answers for a whole page, the remaining steps count as failed without being tried.
 */
export async function resolveMany(
  client: Client,
  many: ResolveMany & { by?: string | undefined },
): Promise<ResolvedMany> {
  const counts: ResolvedMany = { resolved: 0, skipped: 0, failed: 0 };
  let isAnswered = true;
  const { mcpServerId, from, to } = many;
  const waiting = {
    mcpServerId,
    status: 'awaiting-input',
    created: { from, to },
    pageSize: PAGE_SIZE,
  } as const;
  for await (const workflowIds of openStepsOfServer(client, waiting)) {
    const kinds: OutcomeKind[] = isAnswered
      ? await resolveAll(client, workflowIds, many)
      : workflowIds.map(() => NO_WORKER);
    for (const kind of kinds) counts[COUNTED_AS[kind]] += 1;
    isAnswered = workflowIds.length === 0 ? isAnswered : kinds.some((kind) => kind !== NO_WORKER);
  }
  return counts;
}

async function resolveAll(
  client: Client,
  workflowIds: string[],
  { resolution, by }: ResolveMany & { by?: string | undefined },
): Promise<OutcomeKind[]> {
  const outcomes = await Promise.all(
    workflowIds.map((workflowId) =>
      sendDecision(client, { workflowId, update: resolve, message: resolution, by }),
    ),
  );
  return outcomes.map(({ kind }) => kind);
}
