import { z } from 'zod';
import { credentialKey } from '../../contracts/accounts.ts';
import type { ConnectionSummary } from '../../credentials/credential-store.ts';
import type { RequestedDepositOutcome } from '../../credentials/deposit/deposit-credential.ts';
import { depositSchema } from '../../schemas/deposit.ts';
import { type connectionSchema, connectionsSchema, storedSchema } from '../../schemas/http-connection.ts';
import { wholeListQuerySchema } from '../../schemas/http-step.ts';
import { accountSchema, idSchema } from '../../schemas/id.ts';
import { actorOf, callerOf } from '../caller.ts';
import type { HttpApp, HttpDependencies } from '../dependencies.ts';
import { listCursors, pageOfWhole } from '../list-cursors.ts';
import {
  accountMismatch,
  alreadyConnected,
  authorizationServerUnavailable,
  disconnected,
  encryptionKeyMissing,
  invalidFields,
  unknownServer,
} from '../problem.ts';

const tags = ['Credentials'];

export function registerMcpOauthCredentials(
  api: HttpApp,
  deps: Pick<HttpDependencies, 'deposit' | 'listConnections' | 'disconnect' | 'cursorKeys'>,
): void {
  registerDeposit(api, deps);
  registerListConnections(api, deps);
  registerDisconnect(api, deps);
}

function registerDeposit(api: HttpApp, { deposit }: Pick<HttpDependencies, 'deposit'>): void {
  api.post('/mcp-oauth-credentials', {
    schema: {
      operationId: 'depositCredential',
      summary: 'Deposit OAuth credentials. Steps that wait for them resume',
      description:
        'Hands over sole use of the refresh token. If this refresh token is already stored, the other fields of the deposit take effect. If it has been spent, its newer successor stays. If the stored connection has another subject, the deposit is refused unless it says replace. With onlyIfAbsent, an account that is connected, or was disconnected, stays as it is.',
      tags,
      body: depositSchema,
      response: { 200: storedSchema },
    },
    config: { problems: [404, 409] },
    handler: async (request) => {
      const outcome = await deposit(callerOf(request).userId, request.body, actorOf(request));
      switch (outcome.kind) {
        case 'stored':
        case 'valid':
          return storedBody(outcome);
        case 'already-connected':
          throw alreadyConnected();
        case 'disconnected':
          throw disconnected();
        case 'unknown-server':
          throw unknownServer();
        case 'account-mismatch':
          throw accountMismatch();
        case 'key-missing':
          throw encryptionKeyMissing(outcome.kid);
        case 'unavailable':
          throw authorizationServerUnavailable();
        case 'refused':
          throw invalidFields([{ path: outcome.field, message: outcome.message }]);
        default:
          return outcome satisfies never;
      }
    },
  });
}

function registerListConnections(
  api: HttpApp,
  { listConnections, cursorKeys }: Pick<HttpDependencies, 'listConnections' | 'cursorKeys'>,
): void {
  api.get('/mcp-oauth-credentials', {
    schema: {
      operationId: 'listConnections',
      summary: 'List your connections',
      tags,
      querystring: wholeListQuerySchema,
      response: { 200: connectionsSchema },
    },
    handler: async (request) => {
      const { userId } = callerOf(request);
      const { items, ...more } = pageOfWhole(await listConnections(userId), request.query, {
        cursors: listCursors<string>(cursorKeys, ['connections', userId]),
        keyOf: ({ mcpServerId, account }) => JSON.stringify([mcpServerId, account]),
      });
      return { connections: items.map(connectionBody), ...more };
    },
  });
}

function registerDisconnect(api: HttpApp, { disconnect }: Pick<HttpDependencies, 'disconnect'>): void {
  api.delete('/mcp-oauth-credentials/:mcpServerId', {
    schema: {
      operationId: 'disconnect',
      summary: 'Disconnect an account from a server, if it was connected',
      tags,
      params: z.object({ mcpServerId: idSchema }),
      querystring: z.strictObject({ account: accountSchema }),
      response: { 204: z.undefined() },
    },
    handler: async (request, reply) => {
      const { mcpServerId } = request.params;
      const { userId } = callerOf(request);
      const key = credentialKey({ userId, mcpServerId, account: request.query.account });
      await disconnect(key, actorOf(request));
      return reply.code(204).send();
    },
  });
}

type Accepted = Extract<RequestedDepositOutcome, { kind: 'stored' | 'valid' }>;

function storedBody({ kind, changed, version, resuming }: Accepted) {
  return { stored: kind === 'stored', changed, version, resuming };
}

function connectionBody({
  state,
  updatedAt,
  ...connection
}: ConnectionSummary): z.output<typeof connectionSchema> {
  return {
    mcpServerId: connection.mcpServerId,
    account: connection.account,
    ...(connection.label !== undefined && { label: connection.label }),
    ...state,
    ...(connection.scopes !== undefined && { scopes: connection.scopes }),
    version: connection.version,
    updatedAt: updatedAt.toISOString(),
    waitingSteps: connection.waitingSteps,
  };
}
