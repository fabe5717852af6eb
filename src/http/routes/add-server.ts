import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { ServerCheck } from '../../connect/check-server.ts';
import { present } from '../../contracts/present.ts';
import { fieldMessage } from '../../schemas/field-message.ts';
import { httpUrl } from '../../schemas/oauth2-auth.ts';
import type { ServerAuth } from '../../servers/registered-server.ts';
import { withDone } from '../../web/parts/done-notice.tsx';
import { newServerPath, serverPath } from '../../web/paths.ts';
import { checkedServerPage, newServerPage } from '../../web/servers/new-server-page.tsx';
import type { HttpApp, HttpDependencies } from '../dependencies.ts';
import {
  type Complaints,
  type Entered,
  formOf,
  lostSecrets,
  parseEntered,
  proposeId,
  readEntered,
  schemeProblem,
  urlOf,
} from '../entered-server.ts';
import { adminOf, requireAdminSession } from '../plugins/admin-pages.ts';
import { assertForm, csrfField } from '../plugins/browser.ts';
import { pageFrame, sendPage } from '../plugins/send-page.ts';
import { refusedAddresses } from '../refused-addresses.ts';

type Dependencies = Pick<HttpDependencies, 'servers' | 'refuseServerAddress'> & {
  connect: Pick<HttpDependencies['connect'], 'checkServer'>;
};

const MAX_FIELD_LENGTH = 16_384;
const form = {
  schema: { hide: true, body: z.record(z.string().max(64), z.string().max(MAX_FIELD_LENGTH)) },
  onRequest: requireAdminSession,
  preValidation: assertForm,
} as const;

/** Registers the pages on which an admin adds a server by its URL. */
export function registerAddServer(app: HttpApp, deps: Dependencies, publicUrl: string): void {
  app.get(
    '/servers/new',
    { schema: { hide: true }, onRequest: requireAdminSession },
    async (request, reply) => sendFirstPage(request, reply, {}),
  );
  // The page of a check answers a form, and is not kept: opened by its address, it leads to the form.
  app.get(
    '/servers/check',
    { schema: { hide: true }, onRequest: requireAdminSession },
    async (_request, reply) => reply.redirect(newServerPath(publicUrl), 303),
  );
  app.post('/servers/check', form, async (request, reply) =>
    checkEntered(deps, request, reply, readEntered(request.body)),
  );
  app.post('/servers', form, async (request, reply) => {
    const entered = readEntered(request.body);
    const problems = await addEntered(deps, entered, adminOf(request));
    if (problems === undefined) {
      return reply.redirect(withDone(serverPath(publicUrl, entered.id ?? ''), 'server-added'), 303);
    }
    return sendForm(request, reply, { entered, problems: { ...lostSecrets(entered), ...problems } });
  });
}

async function checkEntered(
  { servers, connect, refuseServerAddress }: Dependencies,
  request: FastifyRequest,
  reply: FastifyReply,
  entered: Entered,
): Promise<FastifyReply> {
  const url = urlOf(entered);
  const problem = urlProblem(url, refuseServerAddress);
  if (problem !== undefined) {
    const problems = { ...lostSecrets(entered), url: problem };
    if (entered.id === undefined) return sendFirstPage(request, reply, entered, problems);
    return sendForm(request, reply, { entered, problems });
  }
  const check = await connect.checkServer({ url, auth: authOf(entered, refuseServerAddress) });
  const proposed = await propose(servers, entered, check);
  const { query: _, ...lost } = lostSecrets(entered);
  return sendForm(request, reply, { entered: proposed, problems: lost, check });
}

function urlProblem(url: string, refuse: Dependencies['refuseServerAddress']): string | undefined {
  const parsed = httpUrl.safeParse(url, { error: fieldMessage });
  return parsed.success ? refuse(url) : schemeProblem(url, parsed.error.issues[0]?.message);
}

const ENDPOINTS = ['authorizationServer', 'authorizationEndpoint', 'tokenEndpoint'] as const;

// As far as it decides what connecting would meet. An endpoint that is not valid is left out: adding complains of it.
function authOf(entered: Entered, refuse: Dependencies['refuseServerAddress']): ServerAuth {
  const { type = 'oauth2', clientId, scopes } = entered;
  if (type !== 'oauth2') return type === 'bearer' ? { type } : { type: 'none' };
  const valid = ENDPOINTS.flatMap((name) => {
    const url = entered[name];
    return url === undefined || urlProblem(url, refuse) !== undefined ? [] : [[name, url] as const];
  });
  return { type, ...present({ clientId, scopes }), ...Object.fromEntries(valid) };
}

async function propose(
  servers: Dependencies['servers'],
  entered: Entered,
  check: ServerCheck,
): Promise<Entered> {
  const taken = new Set((await servers.list()).map(({ id }) => id));
  const name = check.kind === 'mcp' ? check.description?.name : undefined;
  return {
    id: proposeId(urlOf(entered), taken),
    type: check.kind === 'mcp' && check.authorization.kind === 'open' ? 'none' : 'oauth2',
    ...(name !== undefined && { title: name }),
    ...entered,
  };
}

/** Returns what is wrong with what was entered; undefined: the server was added. */
async function addEntered(
  { servers, refuseServerAddress }: Dependencies,
  entered: Entered,
  by: string,
): Promise<Complaints | undefined> {
  const parsed = parseEntered(entered);
  if (parsed.kind === 'refused') return parsed.problems;
  const refused = refusedAddresses(parsed.registration, refuseServerAddress);
  if (refused.length > 0) {
    return Object.fromEntries(refused.map(({ path, message }) => [path.replace('auth.', ''), message]));
  }
  const added = await servers.add(parsed.id, parsed.registration, by);
  return added === undefined ? { id: 'is the id of another server already' } : undefined;
}

function sendFirstPage(
  request: FastifyRequest,
  reply: FastifyReply,
  entered: Entered,
  problems?: Complaints,
): FastifyReply {
  const csrf = csrfField(request, reply);
  const page = newServerPage(pageFrame(request, reply), { form: formOf(entered, problems), csrf });
  return sendPage(reply, problems === undefined ? 200 : 400, page);
}

function sendForm(
  request: FastifyRequest,
  reply: FastifyReply,
  { entered, problems, check }: { entered: Entered; problems?: Complaints; check?: ServerCheck },
): FastifyReply {
  const csrf = csrfField(request, reply);
  const page = { form: formOf(entered, problems), csrf, check };
  return sendPage(reply, check === undefined ? 400 : 200, checkedServerPage(pageFrame(request, reply), page));
}
