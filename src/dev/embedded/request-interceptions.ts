/** A test's control of the requests that one interception takes. */
export interface Interception {
  /** The number of requests that have reached the interception point. */
  hits(): number;
  /** Resolves when `count` requests (default 1) have reached that point. */
  reached(count?: number): Promise<void>;
  /** Lets held requests continue. The interception takes no further requests. */
  release(): void;
}

export interface TakenRequest<Action> {
  readonly action: Action;
  /** Call it when the request has reached the interception point. */
  arrive(): void;
  readonly released: Promise<void>;
}

/** The interceptions of one server. A request is taken by at most one: the oldest one that matches. */
export interface RequestInterceptions<Subject, Action> {
  /** @param times the number of requests to take; with `Infinity`, all requests until the release */
  add(matches: (subject: Subject) => boolean, action: Action, times: number): Interception;
  take(subject: Subject): TakenRequest<Action> | undefined;
  /** Whether any interception can still take a request. */
  pending(): boolean;
  releaseAll(): void;
}

interface Entry<Subject, Action> {
  matches: (subject: Subject) => boolean;
  timesLeft: number;
  taken: TakenRequest<Action>;
  interception: Interception;
}

export function createRequestInterceptions<Subject, Action>(): RequestInterceptions<Subject, Action> {
  const entries = new Set<Entry<Subject, Action>>();
  const active = () => [...entries].filter((entry) => entry.timesLeft > 0);
  return {
    add(matches, action, times) {
      const entry = createEntry(matches, action, times);
      entries.add(entry);
      entry.taken.released.then(() => entries.delete(entry));
      return entry.interception;
    },
    take(subject) {
      const entry = active().find(({ matches }) => matches(subject));
      if (entry !== undefined) entry.timesLeft -= 1;
      return entry?.taken;
    },
    pending: () => active().length > 0,
    releaseAll() {
      for (const { interception } of entries) interception.release();
    },
  };
}

function createEntry<Subject, Action>(
  matches: (subject: Subject) => boolean,
  action: Action,
  times: number,
): Entry<Subject, Action> {
  const arrivals = createArrivals();
  let resolveReleased = () => {};
  const released = new Promise<void>((resolve) => {
    resolveReleased = resolve;
  });
  const release = () => {
    entry.timesLeft = 0;
    resolveReleased();
  };
  const entry: Entry<Subject, Action> = {
    matches,
    timesLeft: times,
    taken: { action, arrive: arrivals.arrive, released },
    interception: { hits: arrivals.count, reached: arrivals.reached, release },
  };
  return entry;
}

function createArrivals() {
  const waiting = new Set<{ count: number; resolve: () => void }>();
  let arrived = 0;
  const resolveReached = () => {
    for (const waiter of waiting) {
      if (waiter.count > arrived) continue;
      waiting.delete(waiter);
      waiter.resolve();
    }
  };
  return {
    count: () => arrived,
    arrive() {
      arrived += 1;
      resolveReached();
    },
    reached: (count = 1) =>
      new Promise<void>((resolve) => {
        waiting.add({ count, resolve });
        resolveReached();
      }),
  };
}

/** Whether a record has every value that the filter names. Undefined values of the filter are not compared. */
export function matchesFilter<Key extends string>(
  record: Readonly<Partial<Record<Key, unknown>>>,
  filter: Readonly<Partial<Record<Key, unknown>>>,
): boolean {
  // Object.keys types its result as string[]; a filter has no keys but these.
  const keys = Object.keys(filter) as Key[];
  return keys.every((key) => filter[key] === undefined || record[key] === filter[key]);
}
