import type { FastifyReply, FastifyRequest } from 'fastify';
import { accountOf, credentialKey, DEFAULT_ACCOUNT } from '../contracts/accounts.ts';
import { idSchema } from '../schemas/id.ts';
import type { FoundTool, NoTools, ToolFinder } from '../tools/tool-finder.ts';
import { noToolsPage } from '../web/start/no-tools-page.tsx';
import type { ChosenServer } from '../web/start/stages.tsx';
import type { HttpDependencies } from './dependencies.ts';
import { pageFrame, sendPage } from './plugins/send-page.ts';

export type StartDependencies = Pick<HttpDependencies, 'knownConnections' | 'argumentsChecker' | 'steps'> & {
  servers: Pick<HttpDependencies['servers'], 'list' | 'find'>;
  tools: ToolFinder;
};

/** A registered server with the user's account, whose tools can be asked for. */
export interface Chosen {
  server: ChosenServer;
  isTrusted: boolean;
  key: ReturnType<typeof credentialKey>;
}

/** Returns undefined if no such server is registered. */
export async function chooseServer(
  { servers, knownConnections }: StartDependencies,
  userId: string,
  { id, account: asked }: { id: string; account?: string | undefined },
): Promise<Chosen | undefined> {
  const isId = idSchema.safeParse(id).success;
  const server = isId ? await servers.find(id) : undefined;
  if (server === undefined) return undefined;
  const hasAccounts = server.auth.type === 'oauth2';
  const named = idSchema.safeParse(asked);
  const account = hasAccounts && named.success ? named.data : DEFAULT_ACCOUNT;
  const connections = hasAccounts ? (await knownConnections(userId)).connections : [];
  const connection = connections.find((one) => one.mcpServerId === id && accountOf(one) === account);
  return {
    server: { id, title: server.title, account, label: connection?.label, isPaused: server.paused },
    isTrusted: server.trustAnnotations,
    key: credentialKey({ userId, mcpServerId: id, account }),
  };
}

/** Sends the page of a server that is not registered. */
export function sendUnknownServer(request: FastifyRequest, reply: FastifyReply, id: string): FastifyReply {
  const server = { id, account: DEFAULT_ACCOUNT };
  return sendNoTools(request, reply, { server, why: { kind: 'unknown-server' } });
}

interface NoToolsAnswer {
  server: ChosenServer;
  why: Extract<FoundTool, { kind: 'unavailable' }>['why'];
  /** The id of the step that the form was to be filled in from. */
  again?: string;
  sent?: { csrf: string; fields: Readonly<Record<string, string>> };
}

export function sendNoTools(
  request: FastifyRequest,
  reply: FastifyReply,
  answer: NoToolsAnswer,
): FastifyReply {
  // Also without a script. The reading of a list ends after 15 s, and a form that was sent is not sent again by itself.
  if (answer.why.kind === 'slow' && answer.sent === undefined) reply.header('refresh', '2');
  return sendPage(reply, statusOf(answer.why.kind), noToolsPage(pageFrame(request, reply), answer));
}

/** 200 if the user can fix it on the page. */
function statusOf(kind: NoTools['kind'] | 'unknown-tool'): number {
  switch (kind) {
    case 'unknown-server':
    case 'unknown-tool':
      return 404;
    case 'reauth-required':
    case 'insufficient-scope':
      return 200;
    case 'failed':
    case 'misconfigured':
      return 502;
    case 'slow':
    case 'busy':
    case 'unavailable':
    case 'token-endpoint-unavailable':
    case 'key-missing':
      return 503;
    default:
      return kind satisfies never;
  }
}
