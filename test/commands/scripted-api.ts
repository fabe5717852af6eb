import { serveHttp } from '../net/loopback-server.ts';

export interface ScriptedApi {
  url: string;
  /** `METHOD /path body`, in order. */
  requests: string[];
  /** The value of `Authorization` in each request. */
  authorizations: (string | undefined)[];
  close(): Promise<void>;
}

/** What one request gets: a status and a body, which is sent as JSON. */
export type ScriptedAnswer = [status: number, body?: object];

/** An HTTP API that answers as the test says: with the next answer of a route, and then with its last one again. */
export async function startScriptedApi(routes: Record<string, ScriptedAnswer[]>): Promise<ScriptedApi> {
  const requests: string[] = [];
  const authorizations: (string | undefined)[] = [];
  const { url, close } = await serveHttp((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      const route = `${request.method} ${request.url}`;
      requests.push(`${route} ${body}`.trim());
      authorizations.push(request.headers.authorization);
      const answers = routes[route] ?? [problem(404, 'not-found', 'There is nothing at this address.')];
      const [status, answer] = (answers.length > 1 ? answers.shift() : answers[0]) ?? [500];
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(answer && JSON.stringify(answer));
    });
  });
  return { url, requests, authorizations, close };
}

export function problem(status: number, code: string, detail: string): ScriptedAnswer {
  return [status, { type: 'about:blank', title: 'No', status, code, detail }];
}
