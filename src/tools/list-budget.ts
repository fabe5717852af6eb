/** Limits on the lists of tools that a process reads at once. A list is in memory as a whole until it is answered. */
export interface ListBudgetLimits {
  /**
   * Bytes read for all current requests. Above the limit the latest requests give up their lists, so that the earliest
   * get theirs. Above half of it no further request begins. Default 64 MiB; in memory they take several times as much.
   */
  maxBytes: number;
  /** Current requests. Default 100. */
  maxRequests: number;
  /** Current requests of one user. Default 10. */
  maxRequestsPerUser: number;
  /** Requests that wait until a current one ends. Default 200. */
  maxWaiting: number;
  /** Milliseconds that a request waits. Default 2,000. */
  waitMs: number;
}

const DEFAULT_LIMITS: ListBudgetLimits = {
  maxBytes: 64 * 1024 * 1024,
  maxRequests: 100,
  maxRequestsPerUser: 10,
  maxWaiting: 200,
  waitMs: 2_000,
};

/** The part of the budget that one request uses for its lists. */
export interface ListReading {
  /** Aborts when the request has ended, or must give up its lists because earlier ones need the memory. */
  readonly signal: AbortSignal;
  /** Counts bytes of a list when they arrive. */
  received(bytes: number): void;
  /** Returns the bytes to the budget, once the answer is sent or the caller has gone. Safe to call again. */
  end(): void;
}

export interface ListBudget {
  /** Waits for room if there is none yet. Undefined if there is still none after the wait, or too many wait already. */
  enter(userId: string): Promise<ListReading | undefined>;
}

/** A current request and the bytes of its lists. */
interface Request {
  userId: string;
  bytes: number;
  ended: AbortController;
}

interface Waiter {
  userId: string;
  begin(): void;
}

export function createListBudget(changes: Partial<ListBudgetLimits> = {}): ListBudget {
  const limits = { ...DEFAULT_LIMITS, ...changes };
  const requests = createCurrentRequests(limits);
  const waiting = new Set<Waiter>();

  function begin(userId: string): ListReading {
    const request = requests.add(userId);
    return {
      signal: request.ended.signal,
      received: (bytes) => requests.count(request, bytes),
      end() {
        if (!requests.remove(request)) return;
        for (const waiter of waiting) if (requests.hasRoomFor(waiter.userId)) waiter.begin();
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
      if (requests.hasRoomFor(userId)) return begin(userId);
      return waiting.size < limits.maxWaiting ? wait(userId) : undefined;
    },
  };
}

function createCurrentRequests(limits: ListBudgetLimits) {
  const requestsPerUser = new Map<string, number>();
  /** The earliest first. */
  const current = new Set<Request>();
  let bytes = 0;

  function changeCount(userId: string, change: 1 | -1): void {
    const count = (requestsPerUser.get(userId) ?? 0) + change;
    if (count === 0) requestsPerUser.delete(userId);
    else requestsPerUser.set(userId, count);
  }

  function giveUp(request: Request): void {
    bytes -= request.bytes;
    request.bytes = 0;
    request.ended.abort();
  }

  function makeRoom(): void {
    for (const latest of [...current].reverse()) {
      if (bytes <= limits.maxBytes) return;
      if (latest.bytes > 0) giveUp(latest);
    }
  }

  return {
    hasRoomFor(userId: string): boolean {
      const isBelowUserLimit = (requestsPerUser.get(userId) ?? 0) < limits.maxRequestsPerUser;
      return bytes < limits.maxBytes / 2 && current.size < limits.maxRequests && isBelowUserLimit;
    },
    add(userId: string): Request {
      const request = { userId, bytes: 0, ended: new AbortController() };
      current.add(request);
      changeCount(userId, 1);
      return request;
    },
    count(request: Request, more: number): void {
      if (request.ended.signal.aborted) return;
      request.bytes += more;
      bytes += more;
      if (bytes > limits.maxBytes) makeRoom();
    },
    /** Returns false if the request was removed before. */
    remove(request: Request): boolean {
      if (!current.delete(request)) return false;
      giveUp(request);
      changeCount(request.userId, -1);
      return true;
    },
  };
}
