/** A test's hand on the requests that one interception takes. */
export interface Interception {
  /** Requests that have come to the point where the interception acts. */
  hits(): number;
  /** Resolves once `count` requests (default 1) have come to that point. */
  reached(count?: number): Promise<void>;
  /** Lets held requests go on, and takes no further ones. */
  release(): void;
}

export interface TakenRequest<Action> {
  readonly action: Action;
  /** The request has come to the point where the interception acts. */
  arrive(): void;
  readonly released: Promise<void>;
}

/** Takes chosen requests out of a server's normal course; each at most once, the oldest interception first. */
export interface RequestInterceptions<Subject, Action> {
  /** @param times Requests to take; `Infinity` until released. */
  add(matches: (subject: Subject) => boolean, action: Action, times: number): Interception;
  take(subject: Subject): TakenRequest<Action> | undefined;
  /** Whether any interception could still take a request. */
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
  const live = () => [...entries].filter((entry) => entry.timesLeft > 0);
  return {
    add(matches, action, times) {
      const entry = createEntry(matches, action, times);
      entries.add(entry);
      entry.taken.released.then(() => entries.delete(entry));
      return entry.interception;
    },
    take(subject) {
      const entry = live().find(({ matches }) => matches(subject));
      if (entry !== undefined) entry.timesLeft -= 1;
      return entry?.taken;
    },
    pending: () => live().length > 0,
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
  let letGo = () => {};
  const released = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const release = () => {
    entry.timesLeft = 0;
    letGo();
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
  const wake = () => {
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
      wake();
    },
    reached: (count = 1) =>
      new Promise<void>((resolve) => {
        waiting.add({ count, resolve });
        wake();
      }),
  };
}
