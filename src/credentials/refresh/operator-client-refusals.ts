import type { CredentialKey } from '../../contracts/activities.ts';
import type { Logger } from '../../logging/logger.ts';
import type { RegisteredServer } from '../../servers/registered-server.ts';
import type { Clock } from '../clock.ts';

/**
 * Remembers for a moment that an operator's client was refused: a thousand steps that wait for the operator must not
 * send a thousand requests with a wrong secret, or log as many lines. A new registration is tried at once.
 */
export interface OperatorClientRefusals {
  /** The word of the latest refusal, while there is no use in asking again. */
  standing(server: RegisteredServer, key: CredentialKey): string | undefined;
  add(server: RegisteredServer, key: CredentialKey, code: string): void;
}

const NOT_AGAIN_FOR_MS = 10_000;
const LOG_EVERY_MS = 60_000;
const KEPT_AT_MOST = 1_000;
/** Also what is answered to a client that may not do this for this user, so it says nothing of the others. */
const OF_ONE_USER = 'unauthorized_client';

interface Standing {
  registrationVersion: number;
  code: string;
  until: number;
}

export function createOperatorClientRefusals(deps: { clock: Clock; logger: Logger }): OperatorClientRefusals {
  const refusals = new Map<string, Standing>();
  const loggedAt = new Map<string, number>();

  function standingAt(id: string, { registrationVersion }: RegisteredServer): string | undefined {
    const known = refusals.get(id);
    if (known?.registrationVersion !== registrationVersion) return undefined;
    return known.until > deps.clock.monotonicMs() ? known.code : undefined;
  }

  function log({ id: mcpServerId }: RegisteredServer, cause: string): void {
    const now = deps.clock.monotonicMs();
    if (now < (loggedAt.get(mcpServerId) ?? Number.NEGATIVE_INFINITY) + LOG_EVERY_MS) return;
    remember(loggedAt, mcpServerId, now);
    const event = 'waiting-for-operator';
    deps.logger.warn({ event, mcpServerId, cause }, event);
  }

  return {
    standing: (server, key) => standingAt(ofServer(key), server) ?? standingAt(ofUser(key), server),
    add(server, key, code) {
      const { registrationVersion } = server;
      const until = deps.clock.monotonicMs() + NOT_AGAIN_FOR_MS;
      const id = code === OF_ONE_USER ? ofUser(key) : ofServer(key);
      remember(refusals, id, { registrationVersion, code, until });
      log(server, code);
    },
  };
}

function remember<T>(known: Map<string, T>, id: string, value: T): void {
  if (known.size >= KEPT_AT_MOST) known.clear();
  known.set(id, value);
}

function ofServer({ mcpServerId }: CredentialKey): string {
  return JSON.stringify([mcpServerId]);
}

function ofUser({ mcpServerId, userId }: CredentialKey): string {
  return JSON.stringify([mcpServerId, userId]);
}
