/** Limits on the lists of tools that a process reads at once. A list is in memory as a whole until it is answered. */
export interface ListBudgetLimits {
  /**
   * Bytes that all current requests hold. Above the limit the largest list that is still being read is given up. Above
   * three quarters of it no further request begins. Default 64 MiB; in memory they take several times as much.
   */
  maxBytes: number;
  /** Bytes that the requests of one user hold, so that one user never fills the budget. Default 32 MiB. */
  maxBytesPerUser: number;
  /** Current requests. Default 100. */
  maxRequests: number;
  /** Current requests of one user. Default 10. */
  maxRequestsPerUser: number;
  /** Requests that wait until a current one ends. Default 200. */
  maxWaiting: number;
  /** Milliseconds that a request waits. Default 2,000. */
  waitMs: number;
  /** Milliseconds that a caller may take to read the answer, which stays in memory so long. Default 30,000. */
  sendMs: number;
}

const DEFAULT_LIMITS: ListBudgetLimits = {
  maxBytes: 64 * 1024 * 1024,
  maxBytesPerUser: 32 * 1024 * 1024,
  maxRequests: 100,
  maxRequestsPerUser: 10,
  maxWaiting: 200,
  waitMs: 2_000,
  sendMs: 30_000,
};

/** The part of the budget that one request uses for its lists. */
export interface ListReading {
  /** Begins to count one server's list. */
  begin(): CountedList;
  /** Returns the bytes to the budget, once the answer is sent or the caller has gone. Safe to call again. */
  end(): void;
}

/** One server's list. */
export interface CountedList {
  /** Aborts when the list has to be given up because there is no room for it, or the request has ended. */
  readonly signal: AbortSignal;
  /** Counts bytes that are held of the list; negative for bytes that were discarded. */
  received(bytes: number): void;
  /** Keeps the bytes: the list has been read and is part of the answer. */
  finish(): void;
  /** Returns the bytes: the list is not part of the answer. */
  discard(): void;
}

export interface ListBudget {
  /** Waits for room if there is none yet. Undefined if there is still none after the wait, or too many wait already. */
  enter(userId: string): Promise<ListReading | undefined>;
  readonly sendMs: number;
}

interface Waiter {
  userId: string;
  begin(): void;
}

export function createListBudget(changes: Partial<ListBudgetLimits> = {}): ListBudget {
  const limits = { ...DEFAULT_LIMITS, ...changes };
  const requests = createCurrentRequests(limits);
  const waiting = new Set<Waiter>();

  function admitWaiters(): void {
    for (const waiter of waiting) if (requests.hasRoomFor(waiter.userId)) waiter.begin();
  }

  function begin(userId: string): ListReading {
    const request = requests.add(userId);
    return {
      begin() {
        const list = requests.addList(request);
        return {
          signal: list.ended.signal,
          received: (bytes) => requests.count(list, bytes),
          finish: () => {
            list.isRead = true;
          },
          discard() {
            requests.giveUp(list);
            admitWaiters();
          },
        };
      },
      end() {
        if (requests.remove(request)) admitWaiters();
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
    sendMs: limits.sendMs,
    async enter(userId) {
      if (requests.hasRoomFor(userId)) return begin(userId);
      return waiting.size < limits.maxWaiting ? wait(userId) : undefined;
    },
  };
}

/** A current request. */
interface Request {
  userId: string;
  lists: Set<List>;
}

interface List {
  userId: string;
  bytes: number;
  /** Its bytes are part of the answer: giving it up would not return them. */
  isRead: boolean;
  ended: AbortController;
}

function createCurrentRequests(limits: ListBudgetLimits) {
  const current = new Set<Request>();

  const listsOf = (userId?: string) =>
    [...current]
      .filter((request) => userId === undefined || request.userId === userId)
      .flatMap(({ lists }) => [...lists]);

  function giveUp(list: List): void {
    list.bytes = 0;
    list.ended.abort();
  }

  /** Gives up the largest lists of the largest user first: a flood costs the one who asked for it. */
  function makeRoom(userId: string): void {
    while (sum(listsOf(userId)) > limits.maxBytesPerUser && giveUpLargest(listsOf(userId)));
    while (sum(listsOf()) > limits.maxBytes && giveUpLargest(listsOf()));
  }

  function giveUpLargest(lists: List[]): boolean {
    const [largest] = lists
      .filter(({ isRead, bytes }) => !isRead && bytes > 0)
      .sort((a, b) => b.bytes - a.bytes);
    if (largest !== undefined) giveUp(largest);
    return largest !== undefined;
  }

  return {
    hasRoomFor(userId: string): boolean {
      const own = [...current].filter((request) => request.userId === userId);
      return (
        own.length < limits.maxRequestsPerUser &&
        current.size < limits.maxRequests &&
        sum(listsOf(userId)) < (limits.maxBytesPerUser * 3) / 4 &&
        sum(listsOf()) < (limits.maxBytes * 3) / 4
      );
    },
    add(userId: string): Request {
      const request: Request = { userId, lists: new Set() };
      current.add(request);
      return request;
    },
    addList(request: Request): List {
      const list: List = { userId: request.userId, bytes: 0, isRead: false, ended: new AbortController() };
      request.lists.add(list);
      if (!current.has(request)) list.ended.abort();
      return list;
    },
    count(list: List, change: number): void {
      if (list.ended.signal.aborted) return;
      list.bytes = Math.max(list.bytes + change, 0);
      if (change > 0) makeRoom(list.userId);
    },
    giveUp,
    /** Returns false if the request was removed before. */
    remove(request: Request): boolean {
      if (!current.delete(request)) return false;
      for (const list of request.lists) giveUp(list);
      return true;
    },
  };
}

function sum(lists: readonly List[]): number {
  return lists.reduce((bytes, list) => bytes + list.bytes, 0);
}
