import { fieldErrors } from '../../schemas/field-errors.ts';
import { fieldMessage } from '../../schemas/field-message.ts';
import { type LibreChatToken, libreChatTokenSchema } from '../../schemas/librechat-token.ts';
import { CommandRefused } from '../command-refused.ts';
import { type LineFailure, lineFailure } from './line-failure.ts';
import type { JsonRecord, Records } from './read-records.ts';

/** Each connection is up to three documents. */
export const PARTS = {
  mcp_oauth: { part: 'access', end: '' },
  mcp_oauth_refresh: { part: 'refresh', end: ':refresh' },
  mcp_oauth_client: { part: 'client', end: ':client' },
} as const;

export type Part = (typeof PARTS)[keyof typeof PARTS]['part'];

export interface McpDocument {
  kind: 'document';
  line: number;
  part: Part;
  server: string;
  document: LibreChatToken;
}

/** All documents of one user, and the lines between them that failed; or failed lines alone. */
export type UserDocuments = (McpDocument | LineFailure)[];

/** A user who has more is a mistake in the export. They are held until the next user. */
const MAX_OF_USER = 10_000;
const MAX_CHARACTERS_OF_USER = 64 * 1024 * 1024;

/**
 * Collects the documents of one user after the other. Only those of MCP servers count.
 *
 * @throws CommandRefused if the documents are not sorted by user: then it is not known when a user's are complete
 */
export async function* documentsByUser(records: Records): AsyncGenerator<UserDocuments, void> {
  let user = '';
  let documents: UserDocuments = [];
  let held = { documents: 0, characters: 0 };
  for await (const record of records) {
    const next = record.kind === 'failed' ? record : toDocument(record);
    if (next === undefined) continue;
    if (next.kind === 'failed' && held.documents === 0) {
      yield [next];
      continue;
    }
    const of = next.kind === 'failed' ? user : next.document.userId.$oid;
    if (of < user) throw notSorted(next.line);
    if (of > user) {
      yield documents;
      documents = [];
      user = of;
      held = { documents: 0, characters: 0 };
    }
    documents.push(next);
    if (next.kind === 'document' && record.kind === 'record') {
      held = { documents: held.documents + 1, characters: held.characters + record.text.length };
    }
    if (isTooMuch(held)) throw tooMany(next.line);
  }
  yield documents;
}

/** Undefined: it is not of an MCP server. */
function toDocument({ line, value }: JsonRecord): McpDocument | LineFailure | undefined {
  if (typeof value.type !== 'string' || !isMcpType(value.type)) return undefined;
  const parsed = libreChatTokenSchema.safeParse(value, { error: fieldMessage });
  if (!parsed.success) return lineFailure(line, 'invalid-record', fieldErrors(parsed.error.issues));
  const { part, end } = PARTS[value.type];
  const { identifier = '' } = parsed.data;
  const server = identifier.slice('mcp:'.length, identifier.length - end.length);
  if (server === '' || identifier !== `mcp:${server}${end}`) {
    return lineFailure(line, 'invalid-record', [{ path: 'identifier', message: 'is not of an MCP server' }]);
  }
  return { kind: 'document', line, part, server, document: parsed.data };
}

function isMcpType(type: string): type is keyof typeof PARTS {
  return Object.hasOwn(PARTS, type);
}

function isTooMuch({ documents, characters }: { documents: number; characters: number }): boolean {
  return documents > MAX_OF_USER || characters > MAX_CHARACTERS_OF_USER;
}

function notSorted(line: number): CommandRefused {
  return new CommandRefused(
    `Line ${line}: the documents must be sorted by userId. Export with --sort '{"userId":1}'.`,
  );
}

function tooMany(line: number): CommandRefused {
  return new CommandRefused(`Line ${line}: more than ${MAX_OF_USER} documents, or 64 MiB, of one user.`);
}
