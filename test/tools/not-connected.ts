import type { ReauthRequired } from '../../src/contracts/activities.ts';

/** The outcome for an account that its user has never connected. */
export const NOT_CONNECTED: ReauthRequired = {
  kind: 'reauth-required',
  reason: 'not-connected',
  seen: { credentialVersion: 0, tokenVersion: 0 },
};
