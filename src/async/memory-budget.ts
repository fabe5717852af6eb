/**
 * A budget for large answers that a process holds in memory at once. An answer is in memory as a whole until its caller
 * has read it. Bytes are counted as they are, and take several times as much in memory.
 */

export interface MemoryBudgetLimits {
  /**
   * Bytes that all current requests hold. Above the limit the largest part that is still being read is given up. A
   * request of unknown size begins only below three quarters of it.
   */
  maxBytes: number;
  /** Bytes that the requests of one user hold, so that one user never fills the budget. */
  maxBytesPerUser: number;
  /** Current requests. */
  maxRequests: number;
  /** Current requests of one user. */
  maxRequestsPerUser: number;
  /** Requests that wait until a current one ends. */
  maxWaiting: number;
  /** Requests of one user that wait, so that one user never fills the queue. */
  maxWaitingPerUser: number;
  /** Milliseconds that a request waits. */
  waitMs: number;
  /** Milliseconds that a caller may take to read the answer, which stays in memory so long. */
  sendMs: number;
  /** Milliseconds that a caller may take in addition for each MiB of a size that was known beforehand. */
  sendMsPerMib: number;
}

/** The part of the budget that one request uses. */
export interface MemoryShare {
  /** Begins to count one part of the answer, such as one server's list. */
  begin(): CountedBytes;
  /** Returns the bytes to the budget, once the answer is sent or the caller has gone. Safe to call again. */
  end(): void;
  /** Milliseconds that the caller may take to read the answer. */
  readonly sendMs: number;
}

/** One part of an answer. */
export interface CountedBytes {
  /** Aborts when the budget has no room for the part, or when the request has ended. */
  readonly signal: AbortSignal;
  /** Counts bytes that are held of the part; negative for bytes that were discarded. */
  received(bytes: number): void;
  /**
   * Keeps the bytes: the part has been read and belongs to the answer.
   *
   * @param keptBytes the most that is left of it, if it was cut. Default: all of it.
   */
  finish(keptBytes?: number): void;
  /** Returns the bytes: the part does not belong to the answer. */
  discard(): void;
}

export interface MemoryBudget {
  /**
   * Waits for room if there is none yet. Undefined if there is still none after the wait, or too many wait already, of all or of this user.
   *
   * @param knownBytes the size of the answer, which is held from the start. A user who holds nothing is not refused for
   *   the size alone. Default: it is counted as the answer is read.
   */
  enter(userId: string, knownBytes?: number): Promise<MemoryShare | undefined>;
}

/** A request as it enters. */
interface Entry {
  userId: string;
  knownBytes: number | undefined;
}

interface Waiter {
  entry: Entry;
  begin(): void;
}

const MIB = 1024 * 1024;

export function createMemoryBudget(limits: MemoryBudgetLimits): MemoryBudget {
  const requests = createCurrentRequests(limits);
  const waiting = new Set<Waiter>();

  function admitWaiters(): void {
    for (const waiter of waiting) if (requests.hasRoomFor(waiter.entry)) waiter.begin();
  }

  function begin(entry: Entry): MemoryShare {
    const request = requests.add(entry);
    return {
      sendMs: limits.sendMs + (limits.sendMsPerMib * (entry.knownBytes ?? 0)) / MIB,
      begin() {
        const part = requests.addPart(request);
        return {
          signal: part.ended.signal,
          received: (bytes) => requests.count(part, bytes),
          finish(keptBytes = part.bytes) {
            part.isRead = true;
            if (keptBytes >= part.bytes) return;
            part.bytes = keptBytes;
            admitWaiters();
          },
          discard() {
            requests.giveUp(part);
            admitWaiters();
          },
        };
      },
      end() {
        if (requests.remove(request)) admitWaiters();
      },
    };
  }

  function mayWait({ userId }: Entry): boolean {
    const own = [...waiting].filter(({ entry }) => entry.userId === userId);
    return waiting.size < limits.maxWaiting && own.length < limits.maxWaitingPerUser;
  }

  function wait(entry: Entry): Promise<MemoryShare | undefined> {
    return new Promise((resolve) => {
      const leave = (share?: MemoryShare) => {
        clearTimeout(timer);
        waiting.delete(waiter);
        resolve(share);
      };
      const waiter = { entry, begin: () => leave(begin(entry)) };
      const timer = setTimeout(leave, limits.waitMs);
      waiting.add(waiter);
    });
  }

  return {
    async enter(userId, knownBytes) {
      const entry = { userId, knownBytes };
      if (requests.hasRoomFor(entry)) return begin(entry);
      return mayWait(entry) ? wait(entry) : undefined;
    },
  };
}

/** A current request. */
interface Request {
  userId: string;
  parts: Set<Part>;
}

interface Part {
  userId: string;
  bytes: number;
  /** Its bytes belong to the answer: giving it up would not return them. */
  isRead: boolean;
  ended: AbortController;
}

function createCurrentRequests(limits: MemoryBudgetLimits) {
  const current = new Set<Request>();

  const partsOf = (userId?: string) =>
    [...current]
      .filter((request) => userId === undefined || request.userId === userId)
      .flatMap(({ parts }) => [...parts]);

  function giveUp(part: Part): void {
    part.bytes = 0;
    part.ended.abort();
  }

  /** Gives up the largest parts of the largest user first: a flood costs the one who asked for it. */
  function makeRoom(userId: string): void {
    while (sum(partsOf(userId)) > limits.maxBytesPerUser && giveUpLargest(partsOf(userId)));
    while (sum(partsOf()) > limits.maxBytes && giveUpLargest(partsOf()));
  }

  function giveUpLargest(parts: Part[]): boolean {
    const [largest] = parts
      .filter(({ isRead, bytes }) => !isRead && bytes > 0)
      .sort((a, b) => b.bytes - a.bytes);
    if (largest !== undefined) giveUp(largest);
    return largest !== undefined;
  }

  function add({ userId, knownBytes }: Entry): Request {
    const request: Request = { userId, parts: new Set() };
    current.add(request);
    if (knownBytes === undefined) return request;
    const part = addPart(request);
    part.bytes = knownBytes;
    part.isRead = true;
    return request;
  }

  function addPart(request: Request): Part {
    const part: Part = { userId: request.userId, bytes: 0, isRead: false, ended: new AbortController() };
    request.parts.add(part);
    if (!current.has(request)) part.ended.abort();
    return part;
  }

  return {
    hasRoomFor({ userId, knownBytes }: Entry): boolean {
      const own = [...current].filter((request) => request.userId === userId);
      return (
        own.length < limits.maxRequestsPerUser &&
        current.size < limits.maxRequests &&
        fits(knownBytes, { held: sum(partsOf(userId)), max: limits.maxBytesPerUser }) &&
        fits(knownBytes, { held: sum(partsOf()), max: limits.maxBytes })
      );
    },
    add,
    addPart,
    count(part: Part, change: number): void {
      if (part.ended.signal.aborted) return;
      part.bytes = Math.max(part.bytes + change, 0);
      if (change > 0) makeRoom(part.userId);
    },
    giveUp,
    /** Returns false if the request was removed before. */
    remove(request: Request): boolean {
      if (!current.delete(request)) return false;
      for (const part of request.parts) giveUp(part);
      return true;
    },
  };
}

function fits(knownBytes: number | undefined, { held, max }: { held: number; max: number }): boolean {
  if (knownBytes === undefined) return held < (max * 3) / 4;
  return held === 0 || held + knownBytes <= max;
}

function sum(parts: readonly Part[]): number {
  return parts.reduce((bytes, part) => bytes + part.bytes, 0);
}
