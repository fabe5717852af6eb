import type { EgressProxyConfig } from '../config/egress-proxy.ts';
import type { Secret } from '../config/secret.ts';
import { createAvailability } from '../logging/availability.ts';
import type { Logger } from '../logging/logger.ts';
import type { EgressProxy, TunnelOutcome } from '../net/egress-proxy.ts';

/** The same refusal is logged at most once in this time. */
const REPEAT_REFUSAL_AFTER_MS = 60_000;
/** Users name servers, so the refusals that are remembered are limited. */
const MAX_REMEMBERED = 1_000;

/** The configured proxy, which logs for the operator how it serves. Never logs its user, password or a URL's path. */
export function egressProxyOf(
  { egressProxy }: { egressProxy: Secret<EgressProxyConfig> | undefined },
  logger: Logger,
): EgressProxy | undefined {
  return egressProxy && { ...egressProxy.reveal(), report: reportTo(logger) };
}

export function reportTo(logger: Pick<Logger, 'info' | 'warn'>, now = () => performance.now()) {
  const proxy = createAvailability({ logger, name: 'egress-proxy', now });
  const loggedAt = new Map<string, number>();
  return (outcome: TunnelOutcome): void => {
    // 407: the proxy refuses Latchkey itself, whatever the target is.
    if (outcome.kind === 'opened') proxy.available();
    else if (outcome.kind === 'unreachable') proxy.unavailable(outcome.cause);
    else if (outcome.status === 407) proxy.unavailable('http-407');
    else logRefusal(outcome);
  };

  function logRefusal({ target, status }: { target: string; status: number }): void {
    const key = `${status} ${target}`;
    const last = loggedAt.get(key);
    if (last !== undefined && now() - last < REPEAT_REFUSAL_AFTER_MS) return;
    if (loggedAt.size >= MAX_REMEMBERED) loggedAt.clear();
    loggedAt.set(key, now());
    const event = 'egress-proxy.refused';
    logger.warn({ event, target, cause: `http-${status}` }, event);
  }
}
