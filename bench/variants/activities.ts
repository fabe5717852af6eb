import type { BareCall } from '../bare/call.ts';
import { openSession, type Session } from '../bare/session.ts';
import { createTokenStore, type StoredToken, type TokenStoreOptions } from './token-store.ts';

export interface VariantActivities {
  callInNewSession(call: BareCall): Promise<unknown>;
  callWithNewToken(call: BareCall): Promise<unknown>;
  callWithStoredToken(call: BareCall): Promise<unknown>;
  hasToken(userId: string): Promise<boolean>;
}

const UNAUTHORIZED = 401;

export function createVariantActivities(url: string, options: TokenStoreOptions): VariantActivities {
  const store = createTokenStore(options);
  const sessions = new Map<string, Promise<Session>>();
  const inTurn = createMutex();

  async function callInSession(call: BareCall, token: string): Promise<unknown> {
    const opening = sessions.get(call.userId) ?? openSession(url, token);
    sessions.set(call.userId, opening);
    // A session that could not be opened is not kept.
    const session = await opening.catch((error: unknown) => {
      sessions.delete(call.userId);
      throw error;
    });
    return session.call(call, token);
  }

  async function stored(userId: string): Promise<StoredToken> {
    const token = await store.read(userId);
    if (token === undefined) throw new Error('the user has no token');
    return token;
  }

  return {
    async callInNewSession(call) {
      const { accessToken } = await stored(call.userId);
      const session = await openSession(url, accessToken);
      try {
        return await session.call(call, accessToken);
      } finally {
        await session.close();
      }
    },
    async callWithNewToken(call) {
      const { accessToken } = await inTurn(call.userId, async () => store.refresh(await stored(call.userId)));
      return callInSession(call, accessToken);
    },
    async callWithStoredToken(call) {
      const token = await stored(call.userId);
      try {
        return await callInSession(call, token.accessToken);
      } catch (error) {
        if (!isUnauthorized(error)) throw error;
        const renewed = await inTurn(call.userId, async () => {
          const now = await stored(call.userId);
          return now.accessToken === token.accessToken ? store.refresh(now) : now;
        });
        return callInSession(call, renewed.accessToken);
      }
    },
    hasToken: async (userId) => (await store.read(userId)) !== undefined,
  };
}

/** One after the other for each key, in this process only. */
function createMutex() {
  const last = new Map<string, Promise<unknown>>();
  return <T>(key: string, work: () => Promise<T>): Promise<T> => {
    const turn = (last.get(key) ?? Promise.resolve()).then(work, work);
    last.set(key, turn);
    return turn;
  };
}

function isUnauthorized(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === UNAUTHORIZED;
}
