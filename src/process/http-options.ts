import type { ServerConfig } from '../config/load-config.ts';
import type { HttpOptions } from '../http/dependencies.ts';
import type { KeyFetch } from './key-fetch.ts';

/** @param keyFetch fetches the keys of JWT_JWKS_URL. Undefined: directly */
export function httpOptions(config: ServerConfig, keyFetch: KeyFetch | undefined): HttpOptions {
  const { rateLimits } = config;
  return {
    version: config.version,
    publicUrl: config.publicUrl,
    returnOrigins: config.returnOrigins,
    codecOrigins: config.codecOrigins,
    trustProxy: config.trustedProxies,
    requestsPerMinute: rateLimits.perUser,
    addressRequestsPerMinute: rateLimits.perAddress,
    serviceRequestsPerMinute: rateLimits.perService,
    signInsPerMinute: rateLimits.signIns,
    beginsPerMinute: rateLimits.connects,
    jwt: { ...verificationOf(config.jwt, keyFetch), userClaim: config.jwtUserClaim },
  };
}

function verificationOf(jwt: ServerConfig['jwt'], keyFetch: KeyFetch | undefined) {
  if (jwt.kind === 'secret') return { kind: jwt.kind, secret: jwt.secret.reveal() };
  return { ...jwt, fetchKeys: keyFetch?.fetch };
}
