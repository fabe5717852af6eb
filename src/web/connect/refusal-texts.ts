import type { ConnectCode } from '../../connect/connect-code.ts';

/** What a page says about a flow that did not connect. */
export interface RefusalText {
  /** For the user: what happened, and what helps. */
  text: string;
  /** Another try may help. */
  isRetriable: boolean;
}

const OPERATOR = 'The people who run this service have to change something before it can work. Tell them.';

export const REFUSAL_TEXTS: Record<ConnectCode, RefusalText> = {
  'access-denied': retriable('You, or the authorization server, did not allow it. Nothing was changed.'),
  'account-mismatch': retriable(
    'Another account is connected under this name meanwhile. Nothing was changed.',
  ),
  'authorization-refused': retriable('The authorization server refused the request.'),
  'invalid-scope': retriable(`The authorization server does not grant what was asked for. ${OPERATOR}`),
  'invalid-target': retriable(`The authorization server does not know this server. ${OPERATOR}`),
  'unauthorized-client': retriable(
    `The authorization server does not accept this service as a client. ${OPERATOR}`,
  ),
  'authorization-server-error': retriable('Something went wrong at the authorization server.'),
  'authorization-server-unavailable': retriable('The authorization server does not answer at the moment.'),
  'authorization-expired': retriable('Too much time has passed since you left for the authorization server.'),
  'issuer-missing': retriable(
    'The answer does not say which authorization server it comes from, so it was not used.',
  ),
  'issuer-mismatch': retriable('The answer comes from another authorization server, so it was not used.'),
  'redirect-mismatch': retriable(
    'The answer came to the address of another authorization server, so it was not used.',
  ),
  'malformed-answer': retriable('The answer of the authorization server is not complete.'),
  'other-user': final(
    'This browser is not signed in as the user who connects. Sign in as that user, or sign out and follow the link again.',
  ),
  'link-used': final('This link has been used already. Go back to the app that sent you here.'),
  'unknown-server': final('The server is not registered here. Go back to the app that sent you here.'),
  'no-oauth': final('This server needs no connection: it is not used with accounts of its users.'),
  'server-changed': retriable('The registration of the server was changed meanwhile.'),
  'server-removed': final('The server was removed meanwhile. Go back to the app that sent you here.'),
  misconfigured: final(`The server can’t be connected as it is set up here. ${OPERATOR}`),
  'pkce-not-supported': final(
    `The authorization server does not protect the connection as it must (PKCE). ${OPERATOR}`,
  ),
  'no-client': final(`This service is not known at the authorization server. ${OPERATOR}`),
  'registration-refused': final(`The authorization server does not accept this service. ${OPERATOR}`),
  'registration-failed': retriable('This service could not introduce itself to the authorization server.'),
  'client-refused': retriable('The authorization server did not accept this service.'),
  'code-refused': retriable(
    'The authorization server did not accept its own answer: it may have been used before.',
  ),
  'token-request-refused': retriable('The authorization server did not finish the connection.'),
  'token-endpoint-unavailable': retriable('The authorization server did not answer in time.'),
  'no-access-token': retriable('The authorization server gave no access.'),
  'encryption-key-missing': retriable('A key is missing here at the moment, so nothing could be stored.'),
  'deposit-refused': final(`The connection could not be stored. ${OPERATOR}`),
  'temporarily-unavailable': retriable('Something does not work here at the moment.'),
};

function retriable(text: string): RefusalText {
  return { text, isRetriable: true };
}

function final(text: string): RefusalText {
  return { text, isRetriable: false };
}
