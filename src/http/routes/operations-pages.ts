import { z } from 'zod';
import { present } from '../../contracts/present.ts';
import {
  auditQuerySchema,
  listAllConnectionsQuerySchema,
  listAllStepsQuerySchema,
} from '../../schemas/http-admin.ts';
import { canHaveReason, type ListAllSteps } from '../../steps/list-all-steps.ts';
import { auditPage } from '../../web/operations/audit-list.tsx';
import { allConnectionsPage } from '../../web/operations/connections-list.tsx';
import { allStepsPage } from '../../web/operations/steps-list.tsx';
import { type OperationsFilter, operationsPath } from '../../web/paths.ts';
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
  app.get('/operations/steps', { schema: { hide: true }, onRequest }, async (request, reply) => {
    const { filter, query } = read(listAllStepsQuerySchema, request.query);
    const page = await stepsOf(deps, { ...query, limit: LIMIT });
    return sendPage(reply, 200, allStepsPage(pageFrame(request, reply), { filter, ...page }));
  });
  app.get('/operations/connections', { schema: { hide: true }, onRequest }, async (request, reply) => {
    const { filter, query } = read(listAllConnectionsQuerySchema, request.query);
    const { items: connections, ...more } = await connectionsOf(deps, { ...query, limit: LIMIT });
    return sendPage(
      reply,
      200,
      allConnectionsPage(pageFrame(request, reply), { filter, connections, ...more }),
    );
  });
  app.get('/operations/audit', { schema: { hide: true }, onRequest }, async (request, reply) => {
    const { filter, query } = read(auditQuerySchema, request.query);
    const { items: entries, ...more } = await pageOfAudit(deps, { ...query, limit: LIMIT });
    return sendPage(reply, 200, auditPage(pageFrame(request, reply), { filter, entries, ...more }));
  });
}

// The form offers any status with any reason.
async function stepsOf({ steps }: Dependencies, query: ListAllSteps) {
  const { status, reason } = query;
  if (status !== undefined && reason !== undefined && !canHaveReason(status, reason)) return { steps: [] };
  return steps.listAll(query);
}

async function connectionsOf(deps: Dependencies, query: Parameters<typeof pageOfConnections>[1]) {
  if (query.status === 'connected' && query.reason !== undefined) return { items: [] };
  return pageOfConnections(deps, query);
}

const textSchema = z.record(z.string(), z.unknown());

/** Reads the fields of a form that are valid, and ignores the others. The form shows what counts. */
function read<Shape extends z.core.$ZodShape>(
  schema: z.ZodObject<Shape, z.core.$strict>,
  sent: unknown,
): { filter: OperationsFilter; query: z.output<z.ZodObject<Shape, z.core.$strict>> } {
  const given = Object.entries(textSchema.catch({}).parse(sent)).filter(([name, value]) => {
    const field: z.core.$ZodType | undefined = schema.shape[name];
    return value !== '' && field !== undefined && z.safeParse(field, value).success;
  });
  const filter = present(Object.fromEntries(given));
  return { filter, query: schema.parse(filter) };
}
