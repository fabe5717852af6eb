/** What lists of tools may take of a process: each is in memory as a whole until it is answered. */
export interface ListBudgetLimits {
  /**
   * Bytes of lists that were read for requests under way. Where they are exceeded, the latest requests get no lists, so
   * that the earliest get theirs. From half of them on, no further request begins. Default 64 MiB: what they become in
   * memory is several times as much.
   */
  maxBytes: number;
  /** Requests for lists under way. Default 100. */
  maxRequests: number;
  /** Requests for lists of one user under way. Default 10. */
  maxRequestsOfAUser: number;
  /** Requests that wait for one under way to end. Default 200. */
  maxWaiting: number;
  /** Milliseconds that one waits. Default 2,000. */
  waitMs: number;
}

const DEFAULT_LIMITS: ListBudgetLimits = {
  maxBytes: 64 * 1024 * 1024,
  maxRequests: 100,
  maxRequestsOfAUser: 10,
  maxWaiting: 200,
  waitMs: 2_000,
};

/** The reading of the lists of one request. */
export interface ListReading {
  /** Aborts when the lists of this request are too much beside those of earlier ones, or when the request is over. */
  readonly signal: AbortSignal;
  /** Counts bytes of a list as they come. */
  received(bytes: number): void;
  /** The answer is sent, or nobody waits for it any more. Safe to call again. */
  end(): void;
}

export interface ListBudget {
  /** Waits a moment for room; undefined where there is none. */
  enter(userId: string): Promise<ListReading | undefined>;
}

/** A request under way, and the bytes of its lists. */
interface Request {
  bytes: number;
  giveUp(): void;
}

interface Waiter {
  userId: string;
  begin(): void;
}

/** Bounds what the lists of all requests at once take of this process. */
export function createListBudget(changes: Partial<ListBudgetLimits> = {}): ListBudget {
  const limits = { ...DEFAULT_LIMITS, ...changes };
  const ofUsers = new Map<string, number>();
  const waiting = new Set<Waiter>();
  /** The earliest first. */
  const underWay = new Set<Request>();
  let bytes = 0;

  function hasRoom(userId: string): boolean {
    const own = ofUsers.get(userId) ?? 0;
    return (
      bytes < limits.maxBytes / 2 && underWay.size < limits.maxRequests && own < limits.maxRequestsOfAUser
    );
  }

  function count(userId: string, change: 1 | -1): void {
    const own = (ofUsers.get(userId) ?? 0) + change;
    if (own === 0) ofUsers.delete(userId);
    else ofUsers.set(userId, own);
  }

  function beginWaiting(): void {
    for (const waiter of waiting) if (hasRoom(waiter.userId)) waiter.begin();
  }

  function makeRoom(): void {
    for (const latest of [...underWay].reverse()) {
      if (bytes <= limits.maxBytes) return;
      if (latest.bytes > 0) latest.giveUp();
    }
  }

  function begin(userId: string): ListReading {
    const ended = new AbortController();
    const { signal } = ended;
    const request: Request = {
      bytes: 0,
      giveUp() {
        bytes -= request.bytes;
        request.bytes = 0;
        ended.abort();
      },
    };
    underWay.add(request);
    count(userId, 1);
    return {
      signal,
      received(more) {
        if (signal.aborted) return;
        request.bytes += more;
        bytes += more;
        if (bytes > limits.maxBytes) makeRoom();
      },
      end() {
        if (!underWay.delete(request)) return;
        request.giveUp();
        count(userId, -1);
        beginWaiting();
      },
    };
  }

  function wait(userId: string): Promise<ListReading | undefined> {
    return new Promise((resolve) => {
      const leave = (reading?: ListReading) => {
        clearTimeout(timer);
        waiting.delete(waiter);
        resolve(reading);
      };
      const waiter = { userId, begin: () => leave(begin(userId)) };
      const timer = setTimeout(leave, limits.waitMs);
      waiting.add(waiter);
    });
  }

  return {
    async enter(userId) {
      if (hasRoom(userId)) return begin(userId);
      return waiting.size < limits.maxWaiting ? wait(userId) : undefined;
    },
  };
}
