import { z } from 'zod';
import { CONNECT_CODES } from '../../connect/connect-code.ts';
import type { ConnectFlow } from '../../connect/connect-flow.ts';
import { viewOf } from '../../connect/connect-flow.ts';
import type { ConnectSession } from '../../connect/sessions/connect-session.ts';
import { credentialKey } from '../../contracts/accounts.ts';
import {
  connectSessionSchema,
  createdConnectSessionSchema,
  newConnectSessionSchema,
} from '../../schemas/http-connect-session.ts';
import { idSchema } from '../../schemas/id.ts';
import { auditActing } from '../audit-acting.ts';
import { actorOf, callerOf } from '../caller.ts';
import type { HttpApp, HttpDependencies } from '../dependencies.ts';
import {
  authorizationServerUnavailable,
  HttpProblem,
  invalidFields,
  tooManyConnectSessions,
  unknownConnectSession,
  unknownServer,
} from '../problem.ts';

type Dependencies = Pick<HttpDependencies, 'connect' | 'servers' | 'audit'>;

const tags = ['Connecting'];
const params = z.object({ id: idSchema });
const sessionSchema = connectSessionSchema
  .extend({
    code: z.enum(CONNECT_CODES).optional().describe('Why the last attempt did not connect. Stable.'),
  })
  .meta({ id: 'ConnectSession' });
/** Null stands for no body. */
const confirmationSchema = z
  .strictObject({
    confirmation: z
      .string()
      .min(1)
      .max(64)
      .optional()
      .describe('The parameter `confirmation` with which the browser came back to returnTo.'),
  })
  .nullable();

/** Registers the routes with which a host sends its users to connect a server. */
export function registerConnectSessions(api: HttpApp, deps: Dependencies): void {
  registerCreate(api, deps);
  registerRead(api, deps);
}

function registerCreate(api: HttpApp, { connect, servers, audit }: Dependencies): void {
  api.post('/connect-sessions', {
    schema: {
      operationId: 'createConnectSession',
      summary: 'Create a link for connecting a server',
      description:
        "Anyone who opens the link connects for the token's user, without a sign-in. Send it only to that user's browser.",
      tags,
      body: newConnectSessionSchema,
      response: { 201: createdConnectSessionSchema },
    },
    config: { problems: [404] },
    handler: async (request, reply) => {
      const { mcpServerId, account, ...link } = request.body;
      if ((await servers.find(mcpServerId)) === undefined) throw unknownServer();
      const key = credentialKey({ userId: callerOf(request).userId, mcpServerId, account });
      await auditActing(audit, request, 'connect-link-requested', key);
      const outcome = await connect.createLink({ key, ...link });
      if (outcome.kind === 'refused') {
        throw invalidFields([{ path: outcome.field, message: outcome.message }]);
      }
      if (outcome.kind === 'too-many') throw tooManyConnectSessions();
      const { connectSessionId, url, expiresAt } = outcome;
      return reply.code(201).send({ connectSessionId, url, expiresAt: expiresAt.toISOString() });
    },
  });
}

function registerRead(api: HttpApp, { connect }: Dependencies): void {
  api.get('/connect-sessions/:id', {
    schema: {
      operationId: 'readConnectSession',
      summary: 'Read how connecting goes',
      tags,
      params,
      response: { 200: sessionSchema },
    },
    config: { problems: [404] },
    handler: async (request) => viewOf(await find(connect, callerOf(request).userId, request.params.id)),
  });
}

/**
 * Registers the host's confirmation. It needs a token: with the session cookie, a user who has passed a link on could
 * confirm the consent of another person.
 */
export function registerConfirmConnectSession(
  api: HttpApp,
  { connect }: Pick<Dependencies, 'connect'>,
): void {
  api.post('/connect-sessions/:id/confirm', {
    schema: {
      operationId: 'confirmConnectSession',
      summary: 'Confirm a consent that waits for its host',
      description:
        'Compare the id with that of the session that you made for this browser, and pass `confirmation` on.',
      tags,
      params,
      body: confirmationSchema,
      response: { 200: sessionSchema },
    },
    config: { problems: [404, 409] },
    handler: async (request) => {
      const { userId } = callerOf(request);
      const session = await find(connect, userId, request.params.id);
      const outcome = await connect.confirm(session, {
        confirmation: request.body?.confirmation,
        by: actorOf(request),
      });
      switch (outcome.kind) {
        case 'settled':
          return viewOf(await find(connect, userId, session.id));
        case 'nothing-to-confirm':
          throw new HttpProblem(409, 'nothing-to-confirm', 'No consent waits here to be confirmed.');
        case 'unavailable':
          throw authorizationServerUnavailable();
        default:
          return outcome satisfies never;
      }
    },
  });
}

async function find(connect: ConnectFlow, userId: string, id: string): Promise<ConnectSession> {
  const session = await connect.findOfUser(userId, id);
  if (session === undefined) throw unknownConnectSession();
  return session;
}
