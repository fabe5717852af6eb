import type { IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { startLoopbackHttpServer } from '../../../src/dev/embedded/loopback-http-server.ts';
import { type ModelRequest, type ModelTurn, turnOf } from './model-script.ts';
import { parseResponsesRequest, responsesAnswer } from './openai-responses.ts';

/** A server that speaks OpenAI's API on loopback. Each of its models plays a script. */
export interface ModelServer {
  /** What an agent's process finds in its environment; no real key is needed. */
  readonly environment: { OPENAI_BASE_URL: string; OPENAI_API_KEY: string };
  /** Adds a model, or gives it another script. A test takes a name that no other test has. */
  script(model: string, turns: readonly ModelTurn[]): void;
  /** What the model was asked, oldest first. A repeated request is there twice. */
  requests(model: string): readonly ModelRequest[];
  stop(): Promise<void>;
}

export async function startModelServer(): Promise<ModelServer> {
  const scripts = new Map<string, readonly ModelTurn[]>();
  const requests: ModelRequest[] = [];
  const server = await startLoopbackHttpServer();
  server.http.on('request', (request, response) => {
    answer(request, scripts, requests).then(
      (body) => send(response, 200, body),
      // A 400 is not repeated by either framework's client.
      (error: unknown) =>
        send(response, 400, { error: { message: String(error), type: 'invalid_request_error' } }),
    );
  });
  return {
    environment: { OPENAI_BASE_URL: `${server.origin}/v1`, OPENAI_API_KEY: 'scripted' },
    script: (model, turns) => void scripts.set(model, turns),
    requests: (model) => requests.filter((request) => request.model === model),
    stop: () => server.close(),
  };
}

async function answer(
  http: IncomingMessage,
  scripts: ReadonlyMap<string, readonly ModelTurn[]>,
  requests: ModelRequest[],
): Promise<Record<string, unknown>> {
  if (http.method !== 'POST' || http.url !== '/v1/responses') {
    throw new Error(`the scripted model has no ${http.method} ${http.url}`);
  }
  const request = parseResponsesRequest(await json(http));
  requests.push(request);
  const turns = scripts.get(request.model) ?? [];
  const index = turnOf(turns, request);
  const turn = turns[index];
  if (turn === undefined) throw new Error(`the script of ${request.model} has no turn for this request`);
  return responsesAnswer(request.model, turn, index);
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
