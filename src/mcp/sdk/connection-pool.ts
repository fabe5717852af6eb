import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * Connections that any number of callers use at once, keyed by whom they belong to. A key's connection is opened once
 * for all its callers, kept in order of use, and closed when it was idle for too long, when it was discarded and its
 * last user is done, or when there are too many. The pool knows nothing of MCP.
 */
export interface PoolOptions<C> {
  /** The most connections that are kept. While more are in use at once, the surplus is closed after use. */
  maxConnections: number;
  /** Milliseconds without use after which a connection is closed. */
  idleMs: number;
  /** `usable` is false for a connection that was discarded. Must not reject. */
  close(connection: C, usable: boolean): Promise<void>;
  /** Called with the number of pooled connections after each change. */
  changed?: ((size: number) => void) | undefined;
}

export type Opening<C, R> = { kind: 'opened'; connection: C } | { kind: 'refused'; refusal: R };

export type Acquisition<C, R> =
  | {
      kind: 'acquired';
      connection: C;
      /** Takes a connection that no longer works out of the pool: no later caller gets it. */
      discard(): void;
      /** Must be called once the caller is done with the connection. */
      release(): void;
    }
  | { kind: 'refused'; refusal: R };

export interface ConnectionPool<C, R> {
  /** Passes on what `open` throws. After a refusal the next caller of the key opens a connection again. */
  acquire(key: string, open: () => Promise<Opening<C, R>>): Promise<Acquisition<C, R>>;
  /** Closes all connections, also those in use and those still opening. Nothing may be acquired after this. */
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

/** Keeps the most recently used connections. Of the others, the one that has been idle longest is closed first. */
export function createConnectionPool<C, R>(options: PoolOptions<C>): ConnectionPool<C, R> {
  // In order of use, the most recent last. A connection that is not in here is closed when its last user is done.
  const entries = new Map<string, Entry<C, R>>();
  const closing = new Set<Promise<void>>();
  // A connection outlives the call that begins its idle time, or that has it closed: neither belongs to that call's trace.
  const outsideOfCalls = AsyncLocalStorage.snapshot();

  function enter(key: string, open: () => Promise<Opening<C, R>>): Entry<C, R> {
    const entry = entries.get(key) ?? { key, opening: open(), users: 0, usable: true, retired: false };
    clearTimeout(entry.idleTimer);
    entry.users += 1;
    entries.delete(key);
    entries.set(key, entry);
    evictSurplus();
    options.changed?.(entries.size);
    return entry;
  }

  function leave(entry: Entry<C, R>): void {
    entry.users -= 1;
    if (entry.users > 0) return;
    if (entries.get(entry.key) === entry) startIdling(entry);
    else retire(entry);
  }

  function startIdling(entry: Entry<C, R>): void {
    entry.idleTimer = outsideOfCalls(() => setTimeout(() => retire(entry), options.idleMs).unref());
    evictSurplus();
  }

  function remove(entry: Entry<C, R>): void {
    clearTimeout(entry.idleTimer);
    if (entries.get(entry.key) !== entry) return;
    entries.delete(entry.key);
    options.changed?.(entries.size);
  }

  function retire(entry: Entry<C, R>): void {
    remove(entry);
    // Closing the pool retires connections in use; their last user would retire them a second time.
    if (entry.retired) return;
    entry.retired = true;
    const closed = outsideOfCalls(() => closeEntry(entry)).finally(() => closing.delete(closed));
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

  async function acquire(key: string, open: () => Promise<Opening<C, R>>): Promise<Acquisition<C, R>> {
    const entry = enter(key, open);
    const opened = await entry.opening.catch((error: unknown) => {
      remove(entry);
      throw error;
    });
    if (opened.kind === 'refused') {
      remove(entry);
      return opened;
    }
    const discard = () => {
      entry.usable = false;
      remove(entry);
    };
    return { kind: 'acquired', connection: opened.connection, discard, release: () => leave(entry) };
  }

  async function close(): Promise<void> {
    for (const entry of entries.values()) retire(entry);
    await Promise.all(closing);
  }

  return { acquire, close };
}
