import type { ConnectionReason } from '../contracts/step.ts';

/** Why a connection needs a new consent, for its user. */
export const CONNECTION_REASON_WORDS: Readonly<Record<ConnectionReason, string>> = {
  'invalid-grant': 'Your permission has ended: it expired, or it was withdrawn at the provider.',
  'refresh-refused': 'The provider no longer renews the access.',
  'invalid-client': 'The provider no longer accepts the app that you connected with.',
  'refresh-outcome-lost': 'The answer to a renewal was lost, so the access can’t be renewed safely.',
  'client-secret-expired': 'The app’s registration at the provider has expired.',
  'no-refresh-token': 'The access has expired, and the provider gave no way to renew it.',
  undecryptable: 'The stored credentials can’t be read any more.',
  'server-changed': 'The server’s address or provider has changed since you connected it.',
  'token-rejected': 'The server no longer accepts the access.',
};
