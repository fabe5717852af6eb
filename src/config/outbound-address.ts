import { z } from 'zod';
import type { NetworkPolicy } from '../net/network.ts';
import { parseOutboundUrl, refusedUrlMessage } from '../net/outbound-url.ts';
import type { Environment, Report } from './part.ts';

/**
 * Returns the address in a variable, after checking it like an address that an admin registered. Reports problems.
 *
 * @param defaultPolicy the `NETWORK_POLICY` of the role if none is set
 */
export function readOutboundAddress(
  name: string,
  { env, defaultPolicy }: { env: Environment; defaultPolicy: NetworkPolicy },
  report: Report,
): string {
  const parsed = parseOutboundUrl((env[name] ?? '').trim(), {
    policy: policyOf(env, defaultPolicy),
    addressFrom: 'admin',
  });
  if (parsed.kind === 'accepted') return parsed.url.href;
  report(name, refusedUrlMessage(parsed.code, 'admin'));
  return z.NEVER;
}

// An invalid policy is reported by the setting `networkPolicy`.
function policyOf(env: Environment, defaultPolicy: NetworkPolicy): NetworkPolicy {
  const named = env.NETWORK_POLICY ?? defaultPolicy;
  return named === 'development' ? 'development' : 'public';
}
