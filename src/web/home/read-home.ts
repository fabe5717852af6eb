import { raceAbort, withDeadline } from '../../async/deadline.ts';
import { present } from '../../contracts/present.ts';
import type { StepStatus } from '../../contracts/step.ts';
import type { KnownConnections } from '../../credentials/known-connections.ts';
import type { RegisteredServer } from '../../servers/registered-server.ts';
import { InvalidCursor } from '../../steps/list-cursor.ts';
import type { StepPage } from '../../steps/list-steps.ts';
import { longestWaitingFirst, needsDecision, type UndecidedSteps } from '../../steps/list-undecided.ts';
import type { StepClient } from '../../steps/step-client.ts';
import { TemporalUnavailable } from '../../temporal/temporal-call.ts';

export interface HomeSources {
  /** Asks Temporal nothing. */
  knownConnections(userId: string): Promise<KnownConnections>;
  servers: { list(): Promise<RegisteredServer[]> };
  steps: Pick<StepClient, 'list' | 'listUndecided'>;
}

/** Which steps the page lists. */
export interface HomeFilter {
  status?: StepStatus;
  /** The id of a server. */
  server?: string;
  cursor?: string;
}

/** What the home page shows. */
export interface Home extends KnownConnections {
  filter: HomeFilter;
  servers: RegisteredServer[];
  /** Undefined: Temporal did not answer in time. */
  page: StepPage | undefined;
  /** Undefined: Temporal did not answer in time. */
  undecided: UndecidedSteps | undefined;
  /** The first page is shown instead. */
  isCursorInvalid: boolean;
}

/** How many things that need the user are shown. */
export const MAX_NEEDS = 20;
const STEPS_PER_PAGE = 25;

/** A page of which a part is missing is better than a slow one. */
const TEMPORAL_TIMEOUT_MS = 2_000;

/** Whether the page lists other steps than the newest of all. */
export function isNarrowed({ status, server, cursor }: HomeFilter): boolean {
  return status !== undefined || server !== undefined || cursor !== undefined;
}

/**
 * Reads what the home page shows. The number of requests does not grow with the number of the user's steps.
 *
 * @param temporalMs what Temporal has not answered by then is left out
 */
export async function readHome(
  sources: HomeSources,
  userId: string,
  filter: HomeFilter,
  temporalMs: number = TEMPORAL_TIMEOUT_MS,
): Promise<Home> {
  const [known, servers, steps] = await Promise.all([
    sources.knownConnections(userId),
    sources.servers.list(),
    readSteps(sources.steps, { userId, filter, temporalMs }),
  ]);
  return { filter, servers, ...known, ...steps };
}

async function readSteps(
  steps: HomeSources['steps'],
  { userId, filter, temporalMs }: { userId: string; filter: HomeFilter; temporalMs: number },
) {
  return withDeadline({ ms: temporalMs }, async (signal) => {
    const reading = readPage(steps, userId, filter);
    const listUndecided = () => steps.listUndecided({ userId, limit: MAX_NEEDS, signal });
    const undecided = isNarrowed(filter)
      ? listUndecided()
      : reading.then(({ page }) => undecidedOn(page) ?? listUndecided());
    const [read, found] = await Promise.all([ifAnswered(signal, reading), ifAnswered(signal, undecided)]);
    return { page: read?.page, isCursorInvalid: read?.isCursorInvalid ?? false, undecided: found };
  });
}

async function readPage(
  steps: HomeSources['steps'],
  userId: string,
  { status, server, cursor }: HomeFilter,
): Promise<{ page: StepPage; isCursorInvalid: boolean }> {
  const list = (from: string | undefined) =>
    steps.list({ userId, limit: STEPS_PER_PAGE, ...present({ status, mcpServerId: server, cursor: from }) });
  try {
    return { page: await list(cursor), isCursorInvalid: false };
  } catch (error) {
    if (!(error instanceof InvalidCursor)) throw error;
    return { page: await list(undefined), isCursorInvalid: true };
  }
}

/**
 * Returns the steps that wait for a decision if the first page of all steps has them all. Open steps come first, so it
 * has every open step if it has an ended one.
 */
function undecidedOn({ steps, nextCursor }: StepPage): UndecidedSteps | undefined {
  const hasAllOpen = nextCursor === undefined || steps.some(({ status }) => !OPEN.includes(status));
  if (!hasAllOpen) return undefined;
  const undecided = longestWaitingFirst(
    steps.filter(({ awaitingInputReason }) => needsDecision(awaitingInputReason)),
  );
  return { steps: undecided.slice(0, MAX_NEEDS), isCut: undecided.length > MAX_NEEDS };
}

const OPEN: readonly StepStatus[] = ['running', 'awaiting-input'];

async function ifAnswered<T>(signal: AbortSignal, work: Promise<T>): Promise<T | undefined> {
  try {
    return await raceAbort(signal, work);
  } catch (error) {
    if (signal.aborted || error instanceof TemporalUnavailable) return undefined;
    throw error;
  }
}
