import { SignJWT } from 'jose';
import type { SecretRegistry } from '../secret-registry.ts';
import type { Evidence, Sink } from './sink.ts';

export interface RecordedAnswer {
  status: number;
  /** Undefined where there is none, or none in JSON. */
  body: Record<string, unknown> | undefined;
}

export interface Ask {
  body?: unknown;
  scope?: string;
  headers?: Record<string, string>;
  /** Default: the story's server. */
  url?: string;
}

/** The HTTP API, asked as users and admins ask it; every answer is kept whole. */
export interface RecordedApi {
  url: string;
  /** `ask('alice', 'POST /steps', { body })` */
  ask(userId: string, request: string, options?: Ask): Promise<RecordedAnswer>;
  askAsAdmin(request: string, body?: unknown): Promise<RecordedAnswer>;
  /** Of all answers. */
  statuses(): Set<number>;
  /** How many requests have started one. */
  startedSteps(): number;
  /** Keeps an answer that came another way. */
  keep(evidence: Evidence): void;
  sink: Sink;
}

export function createRecordedApi(ownUrl: string, jwtSecret: string, registry: SecretRegistry): RecordedApi {
  const evidence: Evidence[] = [];
  const statuses: number[] = [];
  const started = new Set<string>();
  /** Steps that were started although the request was answered with 503: its repetition is answered with 200. */
  let startedUnheard = 0;
  const noteStart = (userId: string, { status, body }: RecordedAnswer) => {
    if (status !== 200 && status !== 202) return;
    const step = `${userId} ${body?.stepId}`;
    if (status === 200 && !started.has(step)) startedUnheard += 1;
    started.add(step);
  };
  const ask = async (userId: string, request: string, { body, scope, headers, url = ownUrl }: Ask = {}) => {
    const [method = '', path] = request.split(' ');
    const jwt = registry.register(`JWT of ${userId}`, await jwtOf(userId, scope, jwtSecret));
    const response = await fetch(`${url}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        authorization: `Bearer ${jwt}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const where = `http answer to ${method} ${path?.replace(/\?.*/, '')}`;
    statuses.push(response.status);
    evidence.push({ where: `${where}: status`, content: `${response.status} ${response.statusText}` });
    for (const [name, value] of response.headers)
      evidence.push({ where: `${where}: ${name}`, content: value });
    evidence.push({ where: `${where}: body`, content: text });
    const answer = { status: response.status, body: parsed(text) };
    if (request === 'POST /steps') noteStart(userId, answer);
    return answer;
  };
  const api = {
    url: ownUrl,
    ask,
    askAsAdmin: (request: string, body?: unknown) => ask('admin', request, { body, scope: 'latchkey:admin' }),
    statuses: () => new Set(statuses),
    startedSteps: () =>
      evidence.filter(({ where, content }) => where === STARTED && content === '202 Accepted').length +
      startedUnheard,
    keep: (one: Evidence) => void evidence.push(one),
  };
  return { ...api, sink: httpSink(api, evidence) };
}

const STARTED = 'http answer to POST /steps: status';
const STEP_ID = /^[\w.~-]{1,128}$/;

function httpSink(api: Pick<RecordedApi, 'ask' | 'askAsAdmin'>, evidence: Evidence[]): Sink {
  return {
    name: 'http',
    collect: async () => evidence,
    plants: {
      'http answer to PUT /mcp-servers/planted: body': async (texts) => {
        for (const title of texts) {
          const server = { url: 'http://127.0.0.1:9/mcp', auth: { type: 'none' }, title };
          await api.askAsAdmin('PUT /mcp-servers/planted', server);
        }
      },
      'http answer to POST /steps: location': async (texts) => {
        for (const text of texts) {
          const stepId = STEP_ID.test(text) ? text : Buffer.from(text).toString('base64url');
          await api.ask('planted', 'POST /steps', { body: { stepId, mcpServerId: 'planted', tool: 'none' } });
        }
      },
    },
  };
}

async function jwtOf(sub: string, scope: string | undefined, secret: string): Promise<string> {
  return new SignJWT({ sub, scope, exp: Math.floor(Date.now() / 1000) + 3600 })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(Buffer.from(secret));
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
