import type { CredentialKey } from '../../contracts/activities.ts';
import type { Db } from '../../db/pool.ts';
import { hashOpaqueToken } from '../../vault/opaque-token.ts';
import { isOfBrowser, type SeenBrowser } from './browser-owner.ts';
import type { ConnectSession } from './connect-session.ts';
import { findSession, findSessionOfLink, insertSession } from './session-store.ts';

/** Makes connect sessions, and finds them for those whose they are: a user, the holder of a link, or a browser. */
export function createConnectSessions(db: Db) {
  return {
    /**
     * Makes a session for a signed-in user. Undefined: the user has too many open ones.
     *
     * @param returnTo the URL of the page of ours that the user came from
     */
    async startSession(key: CredentialKey, returnTo?: string): Promise<ConnectSession | undefined> {
      const made = await insertSession(db, { key, returnTo });
      return made && requireConnectSession(db, made.id);
    },

    /** Returns undefined for another user's session, too. */
    async findOfUser(userId: string, id: string): Promise<ConnectSession | undefined> {
      const session = await findSession(db, id);
      return session?.key.userId === userId ? session : undefined;
    },

    /** Finds the session of a link's token. The token must be one for this server. */
    async findOfLink(token: string, mcpServerId: string): Promise<ConnectSession | undefined> {
      const session = await findSessionOfLink(db, hashOpaqueToken(token).toString('base64url'));
      return session?.key.mcpServerId === mcpServerId ? session : undefined;
    },

    /** Finds a session for the browser that left in it, or in which its user is signed in. */
    async findOfBrowser(id: string, browser: SeenBrowser): Promise<ConnectSession | undefined> {
      const session = await findSession(db, id);
      return session !== undefined && isOfBrowser(session, browser) ? session : undefined;
    },
  };
}

async function requireConnectSession(db: Db, id: string): Promise<ConnectSession> {
  const session = await findSession(db, id);
  if (session === undefined) throw new Error('the connect session is gone');
  return session;
}
