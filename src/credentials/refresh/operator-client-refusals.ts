import { accountOf } from '../../contracts/accounts.ts';
import type { CredentialKey } from '../../contracts/activities.ts';
import type { Logger } from '../../logging/logger.ts';
import type { RegisteredServer } from '../../servers/registered-server.ts';
import type { Clock } from '../clock.ts';

/**
 * Remembers for a moment that an operator's client was refused: a thousand steps that wait for the operator must not
 * send a thousand requests with a wrong secret, or log as many lines. A new registration is tried at once.
 */
export interface OperatorClientRefusals {
  /** The code of the latest refusal, while it is too recent to ask again. */
  recent(server: RegisteredServer, key: CredentialKey): string | undefined;
  add(server: RegisteredServer, key: CredentialKey, code: string): void;
}

const REFUSAL_TTL_MS = 10_000;
const LOG_INTERVAL_MS = 60_000;
const MAX_ENTRIES = 1_000;
/** Servers also send this code if the client may not do this for this user, so it says nothing about other users. */
const CODE_FOR_ONE_USER = 'unauthorized_client';

interface RecentRefusal {
  registrationVersion: number;
  code: string;
  until: number;
}

export function createOperatorClientRefusals(deps: { clock: Clock; logger: Logger }): OperatorClientRefusals {
  const refusals = new Map<string, RecentRefusal>();
  const loggedAt = new Map<string, number>();

  function recentAt(id: string, { registrationVersion }: RegisteredServer): string | undefined {
    const known = refusals.get(id);
    if (known?.registrationVersion !== registrationVersion) return undefined;
    return known.until > deps.clock.monotonicMs() ? known.code : undefined;
  }

  function log({ id: mcpServerId }: RegisteredServer, cause: string): void {
    const now = deps.clock.monotonicMs();
    if (now < (loggedAt.get(mcpServerId) ?? Number.NEGATIVE_INFINITY) + LOG_INTERVAL_MS) return;
    remember(loggedAt, mcpServerId, now);
    const event = 'waiting-for-operator';
    deps.logger.warn({ event, mcpServerId, cause }, event);
  }

  return {
    recent: (server, key) => recentAt(idForServer(key), server) ?? recentAt(idForUser(key), server),
    add(server, key, code) {
      const { registrationVersion } = server;
      const until = deps.clock.monotonicMs() + REFUSAL_TTL_MS;
      const id = code === CODE_FOR_ONE_USER ? idForUser(key) : idForServer(key);
      remember(refusals, id, { registrationVersion, code, until });
      log(server, code);
    },
  };
}

function remember<T>(known: Map<string, T>, id: string, value: T): void {
  if (known.size >= MAX_ENTRIES) known.clear();
  known.set(id, value);
}

/** The id of a refusal that holds for all users of the server. */
function idForServer({ mcpServerId }: CredentialKey): string {
  return JSON.stringify([mcpServerId]);
}

function idForUser(key: CredentialKey): string {
  return JSON.stringify([key.mcpServerId, key.userId, accountOf(key)]);
}
