import { z } from 'zod';
import { present } from '../../contracts/present.ts';
import {
  auditQuerySchema,
  listAllConnectionsQuerySchema,
  listAllStepsQuerySchema,
} from '../../schemas/http-admin.ts';
import { canHaveReason, type ListAllSteps } from '../../steps/list-all-steps.ts';
import { auditLog } from '../../web/operations/audit-list.tsx';
import { connectionsOfAll } from '../../web/operations/connections-list.tsx';
import { type OperationsPage, operationsPage } from '../../web/operations/operations-page.tsx';
import { stepsOfAll } from '../../web/operations/steps-list.tsx';
import type { PageFrame } from '../../web/page.tsx';
import { type OperationsFilter, type OperationsList, operationsPath } from '../../web/paths.ts';
import type { HttpApp, HttpDependencies } from '../dependencies.ts';
import { requireAdminSession } from '../plugins/admin-pages.ts';
import { pageFrame, sendPage } from '../plugins/send-page.ts';
import { pageOfAudit } from './admin-audit.ts';
import { pageOfConnections } from './admin-connections.ts';

type Dependencies = Pick<HttpDependencies, 'steps' | 'listAllConnections' | 'readAudit' | 'cursorKeys'>;

const onRequest = requireAdminSession;
const LIMIT = 50;

/** Registers an admin's pages over all users. They show no content, also to an admin who may see it over the API. */
export function registerOperationsPages(app: HttpApp, deps: Dependencies, publicUrl: string): void {
  app.get('/operations', { schema: { hide: true }, onRequest }, async (_, reply) =>
    reply.redirect(operationsPath(publicUrl, 'steps'), 303),
  );
  registerList(app, 'steps', listAllStepsQuerySchema, async ({ frame, filter, query }) => {
    const { steps, nextCursor } = await stepsOf(deps, query);
    return { ...stepsOfAll(frame, filter, steps), nextCursor };
  });
  registerList(app, 'connections', listAllConnectionsQuerySchema, async ({ frame, filter, query }) => {
    const { items, nextCursor } = await connectionsOf(deps, query);
    return { ...connectionsOfAll(frame, filter, items), nextCursor };
  });
  registerList(app, 'audit', auditQuerySchema, async ({ frame, filter, query }) => {
    const { items, nextCursor } = await pageOfAudit(deps, query);
    return { ...auditLog(frame, filter, items), nextCursor };
  });
}

type ListQuery<Shape extends z.core.$ZodShape> = z.ZodObject<Shape, z.core.$strict>;

interface Asked<Query> {
  frame: PageFrame;
  /** What of the form counts. */
  filter: OperationsFilter;
  query: Query & { limit: number };
}

/** @param show returns what is on the page that was asked for */
function registerList<Shape extends z.core.$ZodShape>(
  app: HttpApp,
  list: OperationsList,
  schema: ListQuery<Shape>,
  show: (asked: Asked<z.output<ListQuery<Shape>>>) => Promise<Omit<OperationsPage, 'list' | 'filter'>>,
): void {
  app.get(`/operations/${list}`, { schema: { hide: true }, onRequest }, async (request, reply) => {
    const { filter, query } = read(schema, request.query);
    const frame = pageFrame(request, reply);
    const shown = await show({ frame, filter, query: { ...query, limit: LIMIT } });
    return sendPage(reply, 200, operationsPage(frame, { list, filter, ...shown }));
  });
}

// The form offers any status with any reason.
async function stepsOf({ steps }: Dependencies, query: ListAllSteps) {
  const { status, reason } = query;
  if (status !== undefined && reason !== undefined && !canHaveReason(status, reason))
    return { steps: [], nextCursor: undefined };
  return steps.listAll(query);
}

async function connectionsOf(deps: Dependencies, query: Parameters<typeof pageOfConnections>[1]) {
  if (query.status === 'connected' && query.reason !== undefined) return { items: [], nextCursor: undefined };
  return pageOfConnections(deps, query);
}

const textSchema = z.record(z.string(), z.unknown());

/** Reads the fields of a form that are valid, and ignores the others. The form shows what counts. */
function read<Shape extends z.core.$ZodShape>(
  schema: ListQuery<Shape>,
  sent: unknown,
): { filter: OperationsFilter; query: z.output<ListQuery<Shape>> } {
  const given = Object.entries(textSchema.catch({}).parse(sent)).filter(([name, value]) => {
    const field: z.core.$ZodType | undefined = schema.shape[name];
    return value !== '' && field !== undefined && z.safeParse(field, value).success;
  });
  const filter = present(Object.fromEntries(given));
  return { filter, query: schema.parse(filter) };
}
