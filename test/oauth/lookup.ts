import { onTestFinished } from 'vitest';
import { createGuardedFetch } from '../../src/net/guarded-fetch.ts';
import type { NetworkPolicy } from '../../src/net/network.ts';
import { parseOutboundUrl } from '../../src/net/outbound-url.ts';
import { createAuthorizationServerLookup } from '../../src/oauth/discovery.ts';

/** A lookup of this test, which keeps what it found in this process alone. */
export function lookup(policy: NetworkPolicy = 'development') {
  const network = createGuardedFetch({ policy });
  onTestFinished(() => network.close(0));
  return createAuthorizationServerLookup(
    network.fetch,
    (url, addressFrom) => parseOutboundUrl(url, { policy, addressFrom }).kind === 'refused',
  );
}
