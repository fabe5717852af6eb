import type { z } from 'zod';
import type { ConnectionKey, UserConnection } from '../../credentials/all-connections.ts';
import { listAllConnectionsQuerySchema, ownedConnectionsSchema } from '../../schemas/http-admin.ts';
import { auditContentRead } from '../audit-reading.ts';
import { callerOf, requireAdmin } from '../caller.ts';
import type { HttpApp, HttpDependencies } from '../dependencies.ts';
import { cutPage, listCursors, type PageOf } from '../list-cursors.ts';
import { invalidFields } from '../problem.ts';

type Dependencies = Pick<HttpDependencies, 'listAllConnections' | 'cursorKeys'>;
type Query = z.output<typeof listAllConnectionsQuerySchema>;

export function registerAdminConnections(
  api: HttpApp,
  deps: Dependencies & Pick<HttpDependencies, 'audit'>,
): void {
  api.get('/admin/connections', {
    schema: {
      operationId: 'listAllConnections',
      summary: 'List the connections of all users, by user, server and account',
      description: 'Labels need the scope latchkey:admin:content; showing them is recorded in the audit log.',
      tags: ['Operations (admin)'],
      querystring: listAllConnectionsQuerySchema,
      response: { 200: ownedConnectionsSchema },
    },
    config: { problems: [403] },
    onRequest: requireAdmin,
    handler: async (request) => {
      const { seesContent = false } = callerOf(request);
      const { items, ...more } = await pageOfConnections(deps, request.query);
      if (seesContent) await auditContentRead(deps.audit, request, 'connections', items);
      return { connections: items.map((connection) => connectionBody(connection, seesContent)), ...more };
    },
  });
}

/** @throws InvalidCursor, or HttpProblem 400 if no connection of this status has a reason */
export async function pageOfConnections(
  { listAllConnections, cursorKeys }: Dependencies,
  { limit, cursor, ...filter }: Query,
): Promise<PageOf<UserConnection>> {
  if (filter.status === 'connected' && filter.reason !== undefined) {
    throw invalidFields([{ path: 'reason', message: 'is of no connection with this status' }]);
  }
  const cursors = listCursors<ConnectionKey>(cursorKeys, ['all-connections', filter]);
  const after = cursors.open(cursor);
  const rows = await listAllConnections({ filter, after, limit: limit + 1 });
  const keyOf = ({ userId, mcpServerId, account }: UserConnection) => ({ userId, mcpServerId, account });
  return cutPage(rows, limit, { cursors, keyOf });
}

function connectionBody({ updatedAt, label, ...connection }: UserConnection, seesContent: boolean) {
  return {
    ...connection,
    ...(seesContent && label !== undefined && { label }),
    updatedAt: updatedAt.toISOString(),
  };
}
