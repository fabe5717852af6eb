import type { Loss, Presentation } from './grant-ledger.ts';

/** A process was killed or frozen. Times are milliseconds since the epoch. */
export interface Interruption {
  process: string;
  signal: 'SIGKILL' | 'SIGSTOP';
  at: number;
  /** When it went on; absent where it never did. */
  until?: number;
}

/** What a process logs about the refreshes that it sends. */
export interface RefreshEvent {
  process: string;
  userId: string;
  /** `failed`: no usable answer; what is sent next is a refresh of its own. */
  event: 'started' | 'done' | 'failed';
  at: number;
}

/** A process was interrupted between sending a refresh and storing its answer. */
export interface WindowHit {
  interruption: Interruption;
  presentation: Presentation;
}

export type JudgedLoss = Loss & { avoidable: boolean; excuse?: Interruption };

export interface Evidence {
  presentations: readonly Presentation[];
  losses: readonly Loss[];
  interruptions: readonly Interruption[];
  /** Those of one process in the order in which it logged them. */
  refreshEvents: readonly RefreshEvent[];
}

/**
 * A frozen process keeps its lease at least so long, because one is good for that long when a refresh is sent:
 * a process that takes over sooner is at fault.
 */
const SHORTEST_EXCUSABLE_STOP_MS = 5_000;

/**
 * An answer is waited for for 60 s, and stored as soon as Postgres is there: it is never away for longer than a few
 * seconds. Whatever is silent for longer than both has lost its answer by itself.
 */
const LONGEST_WINDOW_MS = 75_000;

/** Log lines and requests are timed by different processes of one machine, in whole milliseconds. */
const CLOCK_SLACK_MS = 5;

/**
 * Where the answer of a refresh can't be kept from getting lost: its process is killed, or frozen for longer
 * than its lease, after the request was sent and before the answer was stored.
 */
export function windowHits(evidence: Evidence): WindowHit[] {
  const rotations = evidence.presentations.filter(({ outcome }) => outcome === 'rotated');
  return evidence.interruptions
    .filter(isLong)
    .flatMap((interruption) =>
      rotations
        .filter((presentation) => isUnderWay(evidence, presentation, interruption))
        .map((presentation) => ({ interruption, presentation })),
    );
}

/** Which losses have such an interruption for an excuse. Every other one could have been avoided. */
export function judgeLosses(evidence: Evidence): JudgedLoss[] {
  const hits = windowHits(evidence);
  return evidence.losses.map((loss) => {
    const excuse = hits.find(({ presentation, interruption }) => {
      const tookOverAfter = loss.at - interruption.at >= shortestTakeOver(interruption);
      return presentation === loss.spentBy && tookOverAfter;
    })?.interruption;
    return { ...loss, avoidable: excuse === undefined, ...(excuse && { excuse }) };
  });
}

function shortestTakeOver({ signal }: Interruption): number {
  return signal === 'SIGKILL' ? 0 : SHORTEST_EXCUSABLE_STOP_MS;
}

function isLong({ signal, at, until }: Interruption): boolean {
  if (signal === 'SIGKILL' || until === undefined) return true;
  return until - at >= SHORTEST_EXCUSABLE_STOP_MS;
}

function isUnderWay(
  { refreshEvents }: Evidence,
  presentation: Presentation,
  { process, at }: Interruption,
): boolean {
  const started = startOf(refreshEvents, presentation);
  if (started?.process !== process || started.at > at) return false;
  const ended = endOf(refreshEvents, started);
  return at < Math.min(ended?.at ?? Number.POSITIVE_INFINITY, started.at + LONGEST_WINDOW_MS);
}

// By place, not by time: a second try may begin in the millisecond in which the first one failed.
function endOf(events: readonly RefreshEvent[], started: RefreshEvent): RefreshEvent | undefined {
  return events
    .slice(events.indexOf(started) + 1)
    .find(({ process, userId }) => process === started.process && userId === started.userId);
}

/** Who sent it: one process at a time may refresh for a user, and says so right before. */
export function startOf(
  events: readonly RefreshEvent[],
  { userId, at }: Presentation,
): RefreshEvent | undefined {
  return events
    .filter((event) => event.event === 'started' && event.userId === userId)
    .filter((event) => event.at <= at + CLOCK_SLACK_MS)
    .reduce<RefreshEvent | undefined>(
      (last, event) => (last && last.at > event.at ? last : event),
      undefined,
    );
}
