import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { AuditEntry, AuditPlace } from '../../audit/read-audit.ts';
import { type auditEntrySchema, auditQuerySchema, auditSchema } from '../../schemas/http-admin.ts';
import { requireAdmin } from '../caller.ts';
import type { HttpApp, HttpDependencies } from '../dependencies.ts';
import { cutPage, type ListCursors, listCursors, type PageOf } from '../list-cursors.ts';
import { createLongPolls, type LongPolls } from '../plugins/long-polls.ts';
import { sendLines } from '../plugins/send-lines.ts';

type Dependencies = Pick<HttpDependencies, 'readAudit' | 'readAuditHorizon' | 'cursorKeys'>;
type Query = z.output<typeof auditQuerySchema>;

const DEFAULT_LIMIT = 20;
/** Rows that an export reads at once and holds in memory. */
const BATCH_SIZE = 500;
const NDJSON = 'application/x-ndjson';

const DESCRIPTION = `The latest first, in pages. With \`Accept: ${NDJSON}\`, an export instead: the oldest first, one JSON
object a line, all of it in one answer. Each line has a \`cursor\`: an export from there goes on after this line and
misses nothing. An answer that ends before its last line was cut: go on from the last line.`;

export function registerAdminAudit(api: HttpApp, deps: Dependencies): void {
  const polls = createLongPolls(api);
  api.get('/admin/audit', {
    schema: {
      operationId: 'listAuditLog',
      summary: 'Read or export the audit log',
      description: DESCRIPTION,
      tags: ['Operations (admin)'],
      querystring: auditQuerySchema,
      response: {
        200: {
          content: {
            'application/json': { schema: auditSchema },
            [NDJSON]: { schema: z.string() },
          },
        },
      },
    },
    config: { problems: [403] },
    onRequest: requireAdmin,
    handler: async (request, reply) => {
      if (wantsLines(request)) return sendExport(deps, polls, { query: request.query, reply });
      const { items: entries, ...more } = await pageOfAudit(deps, request.query);
      return { entries, ...more };
    },
  });
}

function wantsLines({ headers: { accept = '' } }: FastifyRequest): boolean {
  return accept.split(',').some((type) => type.split(';')[0]?.trim().toLowerCase() === NDJSON);
}

/** @throws InvalidCursor */
export async function pageOfAudit(
  { readAudit, cursorKeys }: Pick<Dependencies, 'readAudit' | 'cursorKeys'>,
  { limit = DEFAULT_LIMIT, cursor, ...filter }: Query,
): Promise<PageOf<AuditEntry>> {
  const cursors = listCursors<AuditPlace>(cursorKeys, ['audit', filter]);
  const after = cursors.open(cursor);
  const rows = await readAudit({ filter, after, limit: limit + 1, order: 'latest-first' });
  return cutPage(rows, limit, { cursors, keyOf: placeOf });
}

async function sendExport(
  deps: Dependencies,
  polls: LongPolls,
  { query, reply }: { query: Query; reply: FastifyReply },
): Promise<FastifyReply> {
  const { limit, cursor, since, ...filter } = query;
  // A later export may begin at another moment.
  const cursors = listCursors<AuditPlace>(deps.cursorKeys, ['audit-export', filter]);
  const before = await deps.readAuditHorizon();
  const reading = { filter: { ...filter, since }, before, after: cursors.open(cursor), limit, cursors };
  // The first batch is read before the answer begins, so that an outage is a 503.
  const batches = batchesOf(deps, reading);
  const first = await batches.next();
  return sendLines(reply, NDJSON, polls.signalFor(reply), linesOf(first, batches, cursors));
}

interface Reading {
  filter: Parameters<Dependencies['readAudit']>[0]['filter'];
  before: string;
  after: AuditPlace | undefined;
  limit: number | undefined;
}

async function* batchesOf({ readAudit }: Dependencies, reading: Reading): AsyncGenerator<AuditEntry[]> {
  const { filter, before, limit: total = Number.POSITIVE_INFINITY } = reading;
  let { after } = reading;
  for (let left = total; left > 0; ) {
    const limit = Math.min(BATCH_SIZE, left);
    const batch = await readAudit({ filter, before, after, limit, order: 'oldest-first' });
    if (batch.length > 0) yield batch;
    if (batch.length < limit) return;
    left -= batch.length;
    after = batch.at(-1);
  }
}

async function* linesOf(
  first: IteratorResult<AuditEntry[]>,
  batches: AsyncGenerator<AuditEntry[]>,
  cursors: ListCursors<AuditPlace>,
): AsyncGenerator<string> {
  if (first.done) return;
  yield textOf(first.value, cursors);
  for await (const batch of batches) yield textOf(batch, cursors);
}

type Line = z.output<typeof auditEntrySchema> & { cursor: string };

function textOf(batch: readonly AuditEntry[], cursors: ListCursors<AuditPlace>): string {
  const lines = batch.map((entry): Line => ({ ...entry, cursor: cursors.seal(placeOf(entry)) }));
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

function placeOf({ at, id }: AuditPlace): AuditPlace {
  return { at, id };
}
