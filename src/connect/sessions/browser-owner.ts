import type { ConnectSession } from './connect-session.ts';

/** What is known of the browser that asks. */
export interface SeenBrowser {
  /** SHA-256 of the browser's cookie; absent: the browser has none. */
  browserHash?: string | undefined;
  /** Who is signed in in this browser. */
  signedInUserId?: string | undefined;
}

/**
 * Whether a session may be shown to a browser, and continued in it. A browser that is signed in as somebody else does not
 * see the session, also if it has left in it. Without a link, the user must still be signed in: the next person at the
 * same browser must not continue. If the host must confirm, the link's user is who it protects against, so being signed in
 * as that user is not enough: only the browser that left sees the session.
 */
export function isOfBrowser(session: ConnectSession, { browserHash, signedInUserId }: SeenBrowser): boolean {
  const isSameBrowser = session.browserHash !== undefined && session.browserHash === browserHash;
  if (session.confirm === 'host' && !isSameBrowser) return false;
  if (signedInUserId !== undefined || !session.isLink) return signedInUserId === session.key.userId;
  return isSameBrowser;
}
