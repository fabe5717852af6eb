import { present } from '../../contracts/present.ts';
import { oauthClientInfoSchema } from '../../schemas/oauth-client-info.ts';
import type { Candidate, Format } from './candidate.ts';
import {
  accessTokenFields,
  clientFields,
  type DepositFields,
  depositOf,
  type FieldMaps,
} from './field-maps.ts';
import type { Decrypt } from './librechat-cipher.ts';
import { documentsByUser, type McpDocument, type Part, type UserDocuments } from './librechat-documents.ts';
import { type LineFailure, lineFailure, orInvalidRecord } from './line-failure.ts';
import { parsedJson } from './read-records.ts';

export interface LibreChatOptions extends FieldMaps {
  decrypt: Decrypt;
}

/** LibreChat's collection `tokens`, as `mongoexport` writes it, sorted by user. A connection is its refresh token's line. */
export function fromLibreChat(options: LibreChatOptions): Format {
  return async function* (records) {
    for await (const documents of documentsByUser(records)) yield* candidatesOf(documents, options);
  };
}

function candidatesOf(documents: UserDocuments, options: LibreChatOptions): (Candidate | LineFailure)[] {
  const servers = new Map<string, Parts>();
  const failures: LineFailure[] = [];
  for (const one of documents) {
    if (one.kind === 'failed') failures.push(one);
    else servers.set(one.server, withPart(servers.get(one.server) ?? {}, one));
  }
  const candidates = [...servers.values()].flatMap((parts) => candidatesOfParts(parts, options));
  return [...failures, ...candidates].sort((one, other) => one.line - other.line);
}

type Parts = Partial<Record<Part, McpDocument>>;

/** Each change of a document sets its expiry again, so of two documents the one that expires later is newer. */
function withPart(parts: Parts, next: McpDocument): Parts {
  const known = parts[next.part];
  const isNewer = (next.document.expiresAt ?? 0) >= (known?.document.expiresAt ?? 0);
  return known === undefined || isNewer ? { ...parts, [next.part]: next } : parts;
}

/** A client without tokens is not a connection. */
function candidatesOfParts(
  { refresh, ...rest }: Parts,
  options: LibreChatOptions,
): (Candidate | LineFailure)[] {
  if (refresh !== undefined)
    return [orInvalidRecord(refresh.line, () => candidateOf(refresh, rest, options))];
  return rest.access === undefined ? [] : [lineFailure(rest.access.line, 'no-refresh-token')];
}

function candidateOf(
  refresh: McpDocument,
  { access, client }: Parts,
  options: LibreChatOptions,
): Candidate | LineFailure {
  const { line, server, document } = refresh;
  if (isMixed(refresh, client)) return lineFailure(line, 'mixed-credentials');
  const refreshToken = options.decrypt(document.token);
  const clientParts = client === undefined ? {} : fieldsOfClient(client, options.decrypt);
  if (refreshToken === undefined || clientParts === undefined) return lineFailure(line, 'undecryptable');
  const libreChatUser = document.userId.$oid;
  const userId = options.users === undefined ? libreChatUser : options.users.get(libreChatUser);
  if (userId === undefined) return lineFailure(line, 'unmapped-user');
  const exported = { refreshToken, ...clientParts, ...fieldsOfAccess(access, refresh, options.decrypt) };
  const body = depositOf(options, server, exported);
  if (body === undefined) return lineFailure(line, 'unmapped-server');
  return { kind: 'candidate', line, userId, body };
}

/** Since LibreChat has credential sets, documents of two consents can be told apart. */
function isMixed(one: McpDocument, other: McpDocument | undefined): boolean {
  const [first, second] = [one, other].map((document) => document?.document.metadata?.credential_set_id);
  return first !== undefined && second !== undefined && first !== second;
}

/** Undefined: it can't be decrypted. */
function fieldsOfClient({ document }: McpDocument, decrypt: Decrypt): DepositFields | undefined {
  const client = oauthClientInfoSchema.safeParse(parsedJson(decrypt(document.token) ?? ''));
  if (!client.success) return undefined;
  const { token_endpoint: tokenEndpoint, issuer, resource } = document.metadata ?? {};
  return { ...present({ tokenEndpoint, issuer, resource }), ...clientFields(client.data) };
}

/** The access token can be renewed, so one that is of another consent or can't be decrypted is left out. */
function fieldsOfAccess(
  access: McpDocument | undefined,
  refresh: McpDocument,
  decrypt: Decrypt,
): DepositFields {
  if (access === undefined || isMixed(access, refresh)) return {};
  return accessTokenFields(decrypt(access.document.token), access.document.expiresAt, Date.now());
}
