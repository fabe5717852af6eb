import { present } from '../../contracts/present.ts';
import { EARLIEST, LATEST } from '../../schemas/deposit.ts';
import type { ImportTarget } from '../../schemas/import-map.ts';
import type { OAuthClientInfo } from '../../schemas/oauth-client-info.ts';
import { keylessAuthMethodSchema } from '../../schemas/token-endpoint-auth-method.ts';

/** How the names of another system become those of Latchkey. */
export interface FieldMaps {
  /** By the other system's name of the server. Undefined: the names are the ids here. */
  targets: ReadonlyMap<string, ImportTarget> | undefined;
  /** From the other system's id of a user. Undefined: the ids are the same. */
  users: ReadonlyMap<string, string> | undefined;
  /** For every connection whose export and target do not say it. */
  defaults: Partial<ImportTarget>;
}

/** Fields of a deposit, any of which may be missing. */
export type DepositFields = Record<string, unknown>;

const CLIENT_FIELDS = ['clientId', 'clientSecret', 'clientSecretExpiresAt', 'tokenEndpointAuthMethod'];

/**
 * Completes what an export says about one connection: what it says wins over the map, and the map over the options. A
 * client is taken as a whole, because a secret belongs to its client. Undefined: the map does not have the server.
 */
export function depositOf(
  { targets, defaults }: FieldMaps,
  server: string,
  exported: DepositFields,
): Record<string, unknown> | undefined {
  const target = targets === undefined ? { mcpServerId: server } : targets.get(server);
  return target && overlaid(overlaid(defaults, target), exported);
}

/** The fields of `above`, and those of `below` that it does not have. A client of `above` drops another one of `below`. */
export function overlaid(below: DepositFields, above: DepositFields): DepositFields {
  const isOtherClient = above.clientId !== undefined && above.clientId !== below.clientId;
  const kept = isOtherClient
    ? Object.fromEntries(Object.entries(below).filter(([name]) => !CLIENT_FIELDS.includes(name)))
    : below;
  return { ...kept, ...present(above) };
}

/** The fields of a stored client. A method that needs a secret, without one, is left to be found out. */
export function clientFields(client: OAuthClientInfo): DepositFields {
  const { client_id: clientId, client_secret, client_secret_expires_at: expiresAt } = client;
  const clientSecret = client_secret ?? undefined;
  const method = keylessAuthMethodSchema.safeParse(client.token_endpoint_auth_method).data;
  const isUsable = method === 'none' || clientSecret !== undefined;
  return present({
    clientId,
    clientSecret,
    clientSecretExpiresAt: expiresAt ? dateOf(expiresAt * 1_000) : undefined,
    tokenEndpointAuthMethod: isUsable ? method : undefined,
  });
}

/** Undefined: a deposit can't say it. The server that registered the client may have sent any number. */
function dateOf(ms: number): string | undefined {
  return ms >= EARLIEST && ms <= LATEST ? new Date(ms).toISOString() : undefined;
}

/** The fields of an access token, unless it has expired. */
export function accessTokenFields(
  accessToken: string | undefined,
  expiresAtMs: number | undefined,
  nowMs: number,
): DepositFields {
  if (accessToken === undefined || accessToken === '') return {};
  if (expiresAtMs === undefined || Number.isNaN(expiresAtMs)) return { accessToken };
  const expiresIn = Math.floor((expiresAtMs - nowMs) / 1_000);
  return expiresIn > 0 ? { accessToken, expiresIn } : {};
}
