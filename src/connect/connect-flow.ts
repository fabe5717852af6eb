/**
 * The consent flow: from a link or a signed-in user to a stored connection. Code outside of this folder enters here. It
 * knows neither the HTTP framework nor the pages. `README.md` has the flow and its invariants.
 */
import { accountOf } from '../contracts/accounts.ts';
import type { CredentialKey } from '../contracts/activities.ts';
import { countConnectionsTo } from '../credentials/credential-store.ts';
import { countWaitersFor, waitingStepsOf } from '../credentials/waiters/count-waiters.ts';
import type { RegisteredServer } from '../servers/registered-server.ts';
import { createOpaqueToken, hashOpaqueToken } from '../vault/opaque-token.ts';
import { type BeginOutcome, beginAuthorization } from './begin-authorization.ts';
import { checkRegisteredServer, type RegisteredCheck } from './check-registered-server.ts';
import { type CheckedServer, checkServer, type ServerCheck } from './check-server.ts';
import { type AccountChoice, type ChoiceOutcome, chooseAccount } from './choose-account.ts';
import { clientIdDocument } from './clients/client-id-document.ts';
import {
  type AuthorizationCallback,
  type CompleteOutcome,
  completeAuthorization,
} from './complete-authorization.ts';
import { type Confirmation, type ConfirmOutcome, confirmConsent } from './confirm-consent.ts';
import type { ConnectCode } from './connect-code.ts';
import type { ConnectDependencies } from './dependencies.ts';
import { pendingConsentId } from './pending-consent.ts';
import { mayReturnTo, returnUrl } from './return-to.ts';
import type { ConnectSession, ConnectStatus } from './sessions/connect-session.ts';
import { createConnectSessions } from './sessions/connect-sessions.ts';
import { insertSession } from './sessions/session-store.ts';

export type ConnectFlow = ReturnType<typeof createConnectFlow>;

export function createConnectFlow(deps: ConnectDependencies) {
  const { db, publicUrl } = deps;
  return {
    /** Makes a link with which a user's browser needs no sign-in. */
    createLink: (link: NewLink): Promise<LinkOutcome> => createLink(deps, link),

    ...createConnectSessions(db),

    /** Counts the paused steps that wait for a connection. */
    async countWaiting(key: CredentialKey): Promise<number> {
      return (await waitingStepsOf(db, key, 1)).count;
    },

    /** What ends with a server's registration. */
    async usageOf(mcpServerId: string): Promise<ServerUsage> {
      const [connections, waitingSteps] = await Promise.all([
        countConnectionsTo(db, mcpServerId),
        countWaitersFor(db, mcpServerId),
      ]);
      return { connections, waitingSteps };
    },

    /** Finds out what a server is that may be registered, within 10 s. */
    checkServer: (server: CheckedServer): Promise<ServerCheck> => checkServer(deps, server),

    /** Does the same for a registered server, with its own headers. */
    checkRegistered: (server: RegisteredServer): Promise<RegisteredCheck> =>
      checkRegisteredServer(deps, server),

    begin: (session: ConnectSession, browserHash: string): Promise<BeginOutcome> =>
      beginAuthorization(deps, session, browserHash),

    complete: (callback: AuthorizationCallback): Promise<CompleteOutcome> =>
      completeAuthorization(deps, callback),

    /** @param shown `pendingConsentId` of the consent that the user was asked about */
    choose: (session: ConnectSession, choice: AccountChoice, shown: string): Promise<ChoiceOutcome> =>
      chooseAccount(deps, session, choice, shown),

    confirm: (session: ConnectSession, confirmation?: Confirmation): Promise<ConfirmOutcome> =>
      confirmConsent(deps, session, confirmation),

    /**
     * The address at the host that the browser of the consent goes back to. Undefined: the session names none. Only
     * that browser may see it.
     */
    returnUrl(session: ConnectSession): string | undefined {
      const { id, returnTo, isLink } = session;
      if (!isLink) return undefined;
      const status = shownStatus(session);
      const proof = status === 'awaiting-confirmation' && { confirmation: pendingConsentId(session) };
      return returnTo && returnUrl(returnTo, { connectSessionId: id, status, ...proof });
    },

    /** The client id metadata document. @param issuerKey of a server with a redirect URI of its own */
    clientIdDocument: (issuerKey?: string) => clientIdDocument(publicUrl, issuerKey),
  };
}

/** How many connections and waiting steps of all users a server has. */
export interface ServerUsage {
  connections: number;
  waitingSteps: number;
}

export interface NewLink {
  key: CredentialKey;
  returnTo?: string | undefined;
  loginHint?: string | undefined;
  confirm?: 'host' | undefined;
}

export type LinkOutcome =
  | { kind: 'created'; connectSessionId: string; url: string; expiresAt: Date }
  | { kind: 'refused'; field: string; message: string }
  /** The user has too many open sessions. */
  | { kind: 'too-many' };

async function createLink(
  { db, publicUrl, returnOrigins }: ConnectDependencies,
  link: NewLink,
): Promise<LinkOutcome> {
  const { key, returnTo } = link;
  if (returnTo !== undefined && !mayReturnTo(returnTo, returnOrigins)) {
    const message = 'must be a plain URL without a fragment, at an origin of RETURN_ORIGINS';
    return { kind: 'refused', field: 'returnTo', message };
  }
  const token = createOpaqueToken();
  const made = await insertSession(db, { ...link, linkHash: hashOpaqueToken(token).toString('base64url') });
  if (made === undefined) return { kind: 'too-many' };
  const { id, expiresAt } = made;
  const url = `${publicUrl}/connect/${encodeURIComponent(key.mcpServerId)}?link=${token}`;
  return { kind: 'created', connectSessionId: id, url, expiresAt };
}

/** What `GET /connect-sessions/:id` shows. */
export interface ConnectSessionView {
  connectSessionId: string;
  mcpServerId: string;
  account: string;
  status: ConnectStatus | 'expired';
  code?: ConnectCode;
  label?: string;
}

export function viewOf(session: ConnectSession): ConnectSessionView {
  const { id, key, code, label } = session;
  return {
    connectSessionId: id,
    mcpServerId: key.mcpServerId,
    account: accountOf(key),
    status: shownStatus(session),
    ...(code !== undefined && { code }),
    ...(label !== undefined && { label }),
  };
}

export function shownStatus({ status, isOver }: ConnectSession): ConnectStatus | 'expired' {
  const waits = status === 'open' || status === 'awaiting-confirmation';
  return waits && isOver ? 'expired' : status;
}

/** Whether another attempt may begin in this session. */
export function mayBegin({ status, isLinkExpired }: ConnectSession): boolean {
  return !isLinkExpired && (status === 'open' || status === 'denied' || status === 'failed');
}
