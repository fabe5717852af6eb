import { createHash } from 'node:crypto';

/** Keeps JSON for a limited time, where all processes see it. It may fail: what it keeps can be asked for again. */
export interface MetadataStore {
  /** Returns what is kept and not expired. */
  find(id: string): Promise<{ content: unknown; expiresInMs: number } | undefined>;
  put(id: string, content: unknown, ttlMs: number): Promise<void>;
}

/** What was asked for. Equal questions have equal parts. */
export interface Question {
  parts: readonly unknown[];
  /** It may hold a secret, so the answer stays in this process. */
  isPrivate: boolean;
}

/** The memory of this process in front of the shared store. */
export interface MetadataCache {
  read<T>(question: Question): Promise<T | undefined>;
  /**
   * Returns what all processes see now: the memory may be behind another process. Rejects if the store fails, because
   * that does not mean that nothing is known.
   */
  readShared<T>(question: Question): Promise<T | undefined>;
  write(question: Question, content: unknown, ttlMs: number): Promise<void>;
}

/** Changes with the form of what is kept: processes of another version must not read it. */
const FORMAT = 2;
const MEMORY_TTL_MS = 10 * 60_000;
const MEMORY_MAX_ENTRIES = 1_000;

export function createMetadataCache(store: MetadataStore | undefined): MetadataCache {
  const memory = new Map<string, { until: number; content: unknown }>();

  function remember(id: string, content: unknown, ttlMs: number): void {
    if (memory.size >= MEMORY_MAX_ENTRIES) memory.clear();
    memory.set(id, { until: Date.now() + Math.min(ttlMs, MEMORY_TTL_MS), content });
  }

  function recall(id: string): unknown {
    const known = memory.get(id);
    return known !== undefined && known.until > Date.now() ? known.content : undefined;
  }

  async function contentOf(question: Question): Promise<unknown> {
    const id = idOf(question);
    const known = recall(id);
    if (known !== undefined || question.isPrivate) return known;
    const stored = await store?.find(id).catch(() => undefined);
    if (stored !== undefined) remember(id, stored.content, stored.expiresInMs);
    return stored?.content;
  }

  async function sharedContentOf(question: Question): Promise<unknown> {
    const id = idOf(question);
    if (store === undefined || question.isPrivate) return recall(id);
    return (await store.find(id))?.content;
  }

  return {
    // The cast is safe: `FORMAT` is a part of the id, so only this code has written under it.
    read: async <T>(question: Question) => (await contentOf(question)) as T | undefined,
    readShared: async <T>(question: Question) => (await sharedContentOf(question)) as T | undefined,
    async write(question, content, ttlMs) {
      const id = idOf(question);
      remember(id, content, ttlMs);
      if (!question.isPrivate) await store?.put(id, content, ttlMs).catch(() => {});
    },
  };
}

function idOf({ parts }: Question): string {
  return createHash('sha256')
    .update(JSON.stringify([FORMAT, ...parts]))
    .digest('base64url');
}
