export interface PoolOptions<C> {
  /** Connections kept, at most. While more than that are in use at once, the surplus is closed after use. */
  maxConnections: number;
  /** Milliseconds without use after which a connection is closed. */
  idleMs: number;
  /** `usable` is false for a connection that was discarded. Must not reject. */
  close(connection: C, usable: boolean): Promise<void>;
}

export type Opening<C, R> = { kind: 'opened'; connection: C } | { kind: 'refused'; refusal: R };

export type Lease<C, R> =
  | {
      kind: 'leased';
      connection: C;
      /** The connection is of no use any more: nobody gets it after this. */
      discard(): void;
      /** Must be called once the caller is done with the connection. */
      release(): void;
    }
  | { kind: 'refused'; refusal: R };

/** Connections that any number of callers use at once, each opened once for all callers of its key. */
export interface ConnectionPool<C, R> {
  /** Passes on what `open` throws; a key whose opening was refused is opened anew by the next caller. */
  lease(key: string, open: () => Promise<Opening<C, R>>): Promise<Lease<C, R>>;
  /** Closes all, also those in use and those still opening. Nothing may be leased after this. */
  close(): Promise<void>;
}

interface Entry<C, R> {
  key: string;
  opening: Promise<Opening<C, R>>;
  users: number;
  usable: boolean;
  retired: boolean;
  idleTimer?: NodeJS.Timeout;
}

/** Keeps the most recently used connections; of the others, the one that has been idle longest goes first. */
export function createConnectionPool<C, R>(options: PoolOptions<C>): ConnectionPool<C, R> {
  // In order of use, the last used last. What is not in here is closed when its last user is done.
  const entries = new Map<string, Entry<C, R>>();
  const closing = new Set<Promise<void>>();

  function enter(key: string, open: () => Promise<Opening<C, R>>): Entry<C, R> {
    const entry = entries.get(key) ?? { key, opening: open(), users: 0, usable: true, retired: false };
    clearTimeout(entry.idleTimer);
    entry.users += 1;
    entries.delete(key);
    entries.set(key, entry);
    evictSurplus();
    return entry;
  }

  function leave(entry: Entry<C, R>): void {
    entry.users -= 1;
    if (entry.users > 0) return;
    if (entries.get(entry.key) === entry) rest(entry);
    else retire(entry);
  }

  function rest(entry: Entry<C, R>): void {
    entry.idleTimer = setTimeout(() => retire(entry), options.idleMs);
    entry.idleTimer.unref();
    evictSurplus();
  }

  function forget(entry: Entry<C, R>): void {
    clearTimeout(entry.idleTimer);
    if (entries.get(entry.key) === entry) entries.delete(entry.key);
  }

  function retire(entry: Entry<C, R>): void {
    forget(entry);
    // Closing the pool retires what is in use; its last user would do so again.
    if (entry.retired) return;
    entry.retired = true;
    const closed = closeEntry(entry).finally(() => closing.delete(closed));
    closing.add(closed);
  }

  async function closeEntry({ opening, usable }: Entry<C, R>): Promise<void> {
    const opened = await opening.catch(() => undefined);
    if (opened?.kind === 'opened') await options.close(opened.connection, usable);
  }

  function evictSurplus(): void {
    for (const entry of entries.values()) {
      if (entries.size <= options.maxConnections) return;
      if (entry.users === 0) retire(entry);
    }
  }

  async function lease(key: string, open: () => Promise<Opening<C, R>>): Promise<Lease<C, R>> {
    const entry = enter(key, open);
    const opened = await entry.opening.catch((error: unknown) => {
      forget(entry);
      throw error;
    });
    if (opened.kind === 'refused') {
      forget(entry);
      return opened;
    }
    const discard = () => {
      entry.usable = false;
      forget(entry);
    };
    return { kind: 'leased', connection: opened.connection, discard, release: () => leave(entry) };
  }

  async function close(): Promise<void> {
    for (const entry of entries.values()) retire(entry);
    await Promise.all(closing);
  }

  return { lease, close };
}
