import { type Part, readAll, variable } from './part.ts';
import { integer } from './variables.ts';

/** Requests a minute. Each server process counts alone. */
export interface RateLimits {
  perUser: number;
  /** For requests without a valid token or session. */
  perAddress: number;
  /** Of a token that acts for users, over all of them. */
  perService: number;
  /** Tries to sign in, and returns from an authorization server, by address. */
  signIns: number;
  /** Authorizations that a user, or one connect session, begins. */
  connects: number;
}

const limit = (preset: string) => integer(1, 100_000_000).prefault(preset);

export const rateLimits: Part<RateLimits> = readAll({
  perUser: variable('RATE_LIMIT_PER_USER', limit('6000'), "a user's requests a minute"),
  perAddress: variable('RATE_LIMIT_PER_ADDRESS', limit('6000'), 'requests without a token, by address'),
  perService: variable('RATE_LIMIT_PER_SERVICE', limit('60000'), 'requests of a token that acts for users'),
  signIns: variable('RATE_LIMIT_SIGN_INS', limit('60'), 'tries to sign in, by address'),
  connects: variable('RATE_LIMIT_CONNECTS', limit('10'), 'consents that a user begins'),
});
