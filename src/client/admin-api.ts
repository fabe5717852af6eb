import { setTimeout as delay } from 'node:timers/promises';
import { LatchkeyApiError, type LatchkeyApiOptions, openApi, requestApi } from './api-request.ts';

/** What `GET /admin/steps` and `GET /admin/connections` filter by. Undefined: not at all. */
export interface AdminFilter {
  userId?: string | undefined;
  mcpServerId?: string | undefined;
  status?: string | undefined;
  reason?: string | undefined;
  /** ISO 8601. */
  since?: string | undefined;
  limit?: number | undefined;
  cursor?: string | undefined;
}

export interface ListedUserStep {
  userId: string;
  stepId: string;
  mcpServerId: string;
  account: string;
  tool: string;
  status: string;
  awaitingInputReason?: string;
  error?: { code: string };
  createdAt: string;
}

export interface ListedUserConnection {
  userId: string;
  mcpServerId: string;
  account: string;
  status: string;
  reason?: string;
  waitingSteps: number;
  updatedAt: string;
}

/** @throws LatchkeyApiError */
export async function listUserSteps(
  api: LatchkeyApiOptions,
  filter: AdminFilter,
): Promise<{ steps: ListedUserStep[]; nextCursor?: string }> {
  const answer = await requestApi(api, { method: 'GET', path: `/admin/steps${queryOf(filter)}` });
  // The cast trusts the contract of our own API; so does the next one.
  return answer as { steps: ListedUserStep[]; nextCursor?: string };
}

/** @throws LatchkeyApiError */
export async function listUserConnections(
  api: LatchkeyApiOptions,
  filter: AdminFilter,
): Promise<{ connections: ListedUserConnection[]; nextCursor?: string }> {
  const answer = await requestApi(api, { method: 'GET', path: `/admin/connections${queryOf(filter)}` });
  return answer as { connections: ListedUserConnection[]; nextCursor?: string };
}

/** What an export of the audit log holds, and where it begins. */
export interface AuditExport {
  userId?: string | undefined;
  actorUserId?: string | undefined;
  mcpServerId?: string | undefined;
  action?: string | undefined;
  since?: string | undefined;
  /** The `cursor` of the last line of an earlier export. */
  cursor?: string | undefined;
}

export interface AuditLine {
  /** One JSON object, without the line break. */
  text: string;
  cursor: string;
}

/** How often an export is resumed without a further line. */
const MAX_FAILURES = 5;
const RETRY_MS = 1_000;

/**
 * Yields the lines of the audit log, the oldest first. Goes on from the last line where the connection breaks.
 *
 * @throws LatchkeyApiError
 */
export async function* exportAudit(
  api: LatchkeyApiOptions,
  { cursor: first, ...filter }: AuditExport,
): AsyncGenerator<AuditLine> {
  let cursor = first;
  let failures = 0;
  for (;;) {
    try {
      for await (const line of linesFrom(api, { ...filter, cursor })) {
        cursor = line.cursor;
        failures = 0;
        yield line;
      }
      return;
    } catch (error) {
      failures += 1;
      if (cursor === first || failures > MAX_FAILURES || !isPassing(error)) throw error;
      await delay(RETRY_MS * failures);
    }
  }
}

async function* linesFrom(api: LatchkeyApiOptions, query: AuditExport): AsyncGenerator<AuditLine> {
  const path = `/admin/audit${queryOf(query)}`;
  const response = await openApi(api, { method: 'GET', path, accept: 'application/x-ndjson' });
  if (response.body === null) return;
  let rest = '';
  try {
    for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
      const lines = `${rest}${text}`.split('\n');
      rest = lines.pop() ?? '';
      yield* lines.map(lineOf);
    }
  } catch (cause) {
    if (cause instanceof LatchkeyApiError) throw cause;
    throw new LatchkeyApiError(undefined, 'unreachable', 'The connection broke.', { cause });
  }
}

function lineOf(text: string): AuditLine {
  const entry: unknown = JSON.parse(text);
  if (typeof entry === 'object' && entry !== null && 'cursor' in entry && typeof entry.cursor === 'string')
    return { text, cursor: entry.cursor };
  throw new LatchkeyApiError(undefined, 'unexpected-answer', 'a line without a cursor');
}

function isPassing(error: unknown): boolean {
  return error instanceof LatchkeyApiError && (error.code === 'unreachable' || (error.status ?? 0) >= 500);
}

function queryOf(parameters: object): string {
  const given = Object.entries(parameters)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [name, String(value)]);
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
}
