import { isObject } from '../../contracts/is-object.ts';
import { present } from '../../contracts/present.ts';
import { fieldErrors } from '../../schemas/field-errors.ts';
import { fieldMessage } from '../../schemas/field-message.ts';
import { type NangoConnection, nangoConnectionSchema } from '../../schemas/nango-connection.ts';
import { oauthClientInfoSchema, storedMetadataSchema } from '../../schemas/oauth-client-info.ts';
import type { Candidate, Format } from './candidate.ts';
import {
  accessTokenFields,
  clientFields,
  type DepositFields,
  depositOf,
  type FieldMaps,
  overlaid,
} from './field-maps.ts';
import { type LineFailure, lineFailure, orInvalidRecord } from './line-failure.ts';
import { type JsonRecord, parsedJson } from './read-records.ts';

export interface NangoOptions extends FieldMaps {
  /** Where a connection says whose it is, such as `metadata.userId`. Default: the tag `end_user_id`, else the end user. */
  userField: string | undefined;
  /** Where a connection says which account it is, such as `connection_id`. Default: every one is `default`. */
  accountField: string | undefined;
}

/** Connections as Nango's API answers them, one a line. `docs/import.md` says how they are exported. */
export function fromNango(options: NangoOptions): Format {
  return async function* (records) {
    for await (const record of records) {
      yield record.kind === 'failed'
        ? record
        : orInvalidRecord(record.line, () => toCandidate(record, options));
    }
  };
}

function toCandidate({ line, value }: JsonRecord, options: NangoOptions): Candidate | LineFailure {
  const parsed = nangoConnectionSchema.safeParse(value, { error: fieldMessage });
  if (!parsed.success) return lineFailure(line, 'invalid-record', fieldErrors(parsed.error.issues));
  const connection = parsed.data;
  const { credentials, provider_config_key: server } = connection;
  if (credentials.type !== 'OAUTH2') return failed(line, 'unsupported-credentials', 'credentials.type');
  if (!credentials.refresh_token) return failed(line, 'no-refresh-token', 'credentials.refresh_token');
  const nangoUser = userOf(connection, options.userField);
  if (nangoUser === undefined) return failed(line, 'no-user', options.userField ?? 'tags.end_user_id');
  const userId = options.users === undefined ? nangoUser : options.users.get(nangoUser);
  if (userId === undefined) return failed(line, 'unmapped-user', options.userField ?? 'tags.end_user_id');
  const account = options.accountField === undefined ? undefined : textAt(value, options.accountField);
  const body = depositOf(options, server, present({ ...exportedFields(connection), account }));
  if (body === undefined) return failed(line, 'unmapped-server', 'provider_config_key');
  return { kind: 'candidate', line, userId, body };
}

function failed(line: number, code: Parameters<typeof lineFailure>[1], path: string): LineFailure {
  return lineFailure(line, code, [{ path, message: 'can not be imported' }]);
}

function userOf(connection: NangoConnection, field: string | undefined): string | undefined {
  if (field !== undefined) return textAt(connection, field);
  return connection.tags?.end_user_id ?? connection.end_user?.id;
}

function exportedFields({ credentials, connection_config: config }: NangoConnection): DepositFields {
  const expiresAt = credentials.expires_at ? Date.parse(credentials.expires_at) : undefined;
  return {
    refreshToken: credentials.refresh_token ?? undefined,
    ...accessTokenFields(credentials.access_token ?? undefined, expiresAt, Date.now()),
    ...overlaid(discoveredFields(config), ownClientFields(credentials.config_override)),
  };
}

/** Of an MCP server that Nango discovered and registered its client at (`MCP_OAUTH2_GENERIC`). */
function discoveredFields(config: NangoConnection['connection_config']): DepositFields {
  const metadata = storedMetadataSchema.safeParse(parsedJson(config?.oauth_metadata ?? '')).data;
  const client = oauthClientInfoSchema.safeParse(parsedJson(config?.oauth_client_info ?? '')).data;
  return present({
    tokenEndpoint: metadata?.token_endpoint,
    issuer: metadata?.issuer,
    resource: config?.oauth_resource_url || undefined,
    ...(client && clientFields(client)),
  });
}

function ownClientFields(own: NangoConnection['credentials']['config_override']): DepositFields {
  if (!own?.client_id) return {};
  return present({ clientId: own.client_id, clientSecret: own.client_secret ?? undefined });
}

/** The text at a path such as `metadata.userId`. */
function textAt(record: Record<string, unknown>, path: string): string | undefined {
  let value: unknown = record;
  for (const name of path.split('.')) value = isObject(value) ? value[name] : undefined;
  return typeof value === 'string' && value !== '' ? value : undefined;
}
