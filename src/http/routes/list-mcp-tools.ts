import type { MemoryBudget } from '../../async/memory-budget.ts';
import { accountOf, credentialKey } from '../../contracts/accounts.ts';
import type { CredentialKey } from '../../contracts/activities.ts';
import type { ToolDescription } from '../../contracts/step.ts';
import { connectUrl } from '../../contracts/urls.ts';
import { listToolsQuerySchema, toolsSchema } from '../../schemas/http-tool.ts';
import type { ListUserToolsOutcome } from '../../tools/list-user-tools.ts';
import { callerOf } from '../caller.ts';
import type { HttpApp, HttpDependencies } from '../dependencies.ts';
import { admitList, tooManyLists } from '../plugins/admit-list.ts';
import { encryptionKeyMissing, HttpProblem, retryAfter, unknownServer } from '../problem.ts';

export function registerListMcpTools(
  api: HttpApp,
  { listTools, lists }: Pick<HttpDependencies, 'listTools'> & { lists: MemoryBudget },
  publicUrl: string,
): void {
  api.get('/list-mcp-tools', {
    schema: {
      operationId: 'listMcpTools',
      summary: "List a server's tools, all pages",
      tags: ['Tools'],
      querystring: listToolsQuerySchema,
      response: { 200: toolsSchema },
    },
    config: { problems: [404, 409, 502] },
    handler: async (request, reply) => {
      const key = credentialKey({ ...request.query, userId: callerOf(request).userId });
      const outcome = await admitList(lists, request, reply, async (reading) => {
        const list = reading.begin();
        const listed = await listTools(key, list);
        if (list.signal.aborted) throw tooManyLists();
        list.finish();
        return listed;
      });
      if (outcome.kind !== 'listed') throw problemOf(outcome, key, publicUrl);
      return { tools: outcome.tools.map(toolBody) };
    },
  });
}

function problemOf(
  outcome: Exclude<ListUserToolsOutcome, { kind: 'listed' }>,
  key: CredentialKey,
  publicUrl: string,
): HttpProblem {
  switch (outcome.kind) {
    case 'unknown-server':
      return unknownServer();
    case 'reauth-required':
      return needsReauth(key, outcome.reason, publicUrl);
    case 'insufficient-scope': {
      const members = { requiredScopes: outcome.challengedScopes };
      return new HttpProblem(502, 'forbidden', 'The MCP server requires more scopes.', { members });
    }
    case 'unavailable':
      return new HttpProblem(502, 'server-unavailable', 'The MCP server is unavailable.', wait(outcome));
    case 'token-endpoint-unavailable':
      return new HttpProblem(503, outcome.kind, 'The authorization server is unavailable.', wait(outcome));
    case 'key-missing':
      return encryptionKeyMissing(outcome.kid);
    case 'misconfigured':
      return new HttpProblem(503, outcome.kind, outcome.message);
    case 'failed':
      return failed(outcome);
    default:
      return outcome satisfies never;
  }
}

function needsReauth(key: CredentialKey, reason: string, publicUrl: string): HttpProblem {
  const { mcpServerId, account } = key;
  return new HttpProblem(409, 'needs-oauth-reauth', 'The user has to connect this server first.', {
    members: {
      awaitingInputReason: 'needs-oauth-reauth',
      mcpServerId,
      account: accountOf(key),
      connectUrl: connectUrl(publicUrl, mcpServerId, undefined, account),
      reason,
    },
  });
}

function failed({ code, message }: Extract<ListUserToolsOutcome, { kind: 'failed' }>): HttpProblem {
  const isOurCode = code === 'forbidden' || code === 'result-too-large';
  return new HttpProblem(502, isOurCode ? code : 'protocol-error', message);
}

function wait({ retryAfterMs }: { retryAfterMs?: number }) {
  return retryAfterMs === undefined ? {} : { headers: retryAfter(retryAfterMs) };
}

/** A tool as the HTTP API shows it. */
export function toolBody({ description = '', ...tool }: ToolDescription) {
  return { ...tool, description };
}
