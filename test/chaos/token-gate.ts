import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { startLoopbackHttpServer } from '../../src/dev/embedded/loopback-http-server.ts';
import type { GrantLedger, Presentation } from './grant-ledger.ts';
import type { Random } from './random.ts';

/** Stands before the authorization server's token endpoint: as slow as one on the internet, and a witness. */
export interface TokenGate {
  /** What deposits name as their token endpoint. */
  tokenEndpoint: string;
  /** Tokens that no consent ever gave. */
  strangers(): number;
  /** Resolves with the next refresh that comes in. */
  nextRefresh(): Promise<Presentation>;
  stop(): Promise<void>;
}

const LONGEST_WAY_THERE_MS = 100;
const LONGEST_WAY_BACK_MS = 300;

export async function startTokenGate(
  ledger: GrantLedger,
  tokenEndpoint: string,
  random: Random,
): Promise<TokenGate> {
  const server = await startLoopbackHttpServer();
  const waiting = new Set<(presentation: Presentation) => void>();
  let strangers = 0;
  server.http.on('request', (req: IncomingMessage, res: ServerResponse) => {
    serve(req, res).catch(() => req.socket.destroy());
  });

  async function serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const body = await text(req);
    const presentation = ledger.presented(new URLSearchParams(body).get('refresh_token') ?? '', Date.now());
    if (presentation === undefined) strangers += 1;
    else announce(presentation);
    // Goes on whatever becomes of the client: an authorization server doesn't stop half-way either.
    await delay(random.int(0, LONGEST_WAY_THERE_MS));
    const answer = await forward(tokenEndpoint, req, body);
    if (presentation !== undefined) writeDown(ledger, presentation, answer.body);
    await delay(random.int(0, LONGEST_WAY_BACK_MS));
    res.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
  }

  function announce(presentation: Presentation): void {
    for (const resolve of waiting) resolve(presentation);
    waiting.clear();
  }

  return {
    tokenEndpoint: `${server.origin}/token`,
    strangers: () => strangers,
    nextRefresh: () => new Promise((resolve) => waiting.add(resolve)),
    stop: server.close,
  };
}

async function forward(tokenEndpoint: string, req: IncomingMessage, body: string) {
  const { authorization, 'content-type': contentType = '' } = req.headers;
  const headers = { 'content-type': contentType, ...(authorization && { authorization }) };
  const response = await fetch(tokenEndpoint, { method: 'POST', headers, body });
  return { status: response.status, body: await response.text() };
}

function writeDown(ledger: GrantLedger, presentation: Presentation, body: string): void {
  // The cast trusts the form of RFC 6749 §5: this is our own authorization server.
  const answer = JSON.parse(body) as { refresh_token?: string; error?: string };
  if (answer.refresh_token !== undefined) ledger.rotated(presentation, answer.refresh_token);
  else ledger.refused(presentation, answer.error ?? 'no tokens');
}
