import { text } from 'node:stream/consumers';
import {
  heldBack,
  inTurn,
  json,
  raw,
  type ScriptedTokenEndpoint,
  type SeenTokenRequest,
  startScriptedTokenEndpoint,
  type TokenReply,
} from '../credentials/refresh/scripted-token-endpoint.ts';
import { type Certificate, serveHttps } from '../net/loopback-server.ts';

/** What stands between Latchkey and a real token endpoint: away or misbehaving until it is mended. */
export interface TokenEndpointInFront {
  url: string;
  /** Everything that arrived, the oldest first. */
  seen: SeenTokenRequest[];
  mend(): Promise<void>;
  stop(): Promise<void>;
}

/** Misbehaves so towards the first requests; those after them wait until it is mended. */
export async function misbehaving(
  realEndpoint: string,
  reply: TokenReply,
  times: number,
): Promise<TokenEndpointInFront> {
  const endpoint = await startScriptedTokenEndpoint();
  const { letGo, reply: mended } = heldBack(passOn(realEndpoint));
  endpoint.answer(inTurn(...Array<TokenReply>(times).fill(reply), mended));
  return { ...endpoint, mend: async () => letGo() };
}

/** Nobody listens at its address until it is mended. */
export async function away(realEndpoint: string): Promise<TokenEndpointInFront> {
  const placeholder = await startScriptedTokenEndpoint();
  await placeholder.stop();
  let endpoint: ScriptedTokenEndpoint = placeholder;
  return {
    url: placeholder.url,
    seen: placeholder.seen,
    async mend() {
      endpoint = await startScriptedTokenEndpoint(Number(new URL(placeholder.url).port));
      endpoint.answer((response, request) => {
        placeholder.seen.push(request);
        passOn(realEndpoint)(response, request);
      });
    },
    stop: () => endpoint.stop(),
  };
}

/** Over TLS, with one certificate and then, mended, with another. The host is `localhost`. */
export async function withCertificates(
  realEndpoint: string,
  certificates: { bad: Certificate; good: Certificate },
): Promise<TokenEndpointInFront> {
  const behind = await startScriptedTokenEndpoint();
  behind.answer(passOn(realEndpoint));
  const listener: Parameters<typeof serveHttps>[1] = async (request, response) => {
    const body = new URLSearchParams(await text(request));
    passOn(behind.url)(response, { at: 0, path: '', headers: request.headers, body });
  };
  let server = await serveHttps(certificates.bad, listener);
  const { port } = server;
  return {
    url: `${server.url}/token`,
    seen: behind.seen,
    async mend() {
      await server.close();
      server = await serveHttps(certificates.good, listener, port);
    },
    stop: async () => void (await Promise.all([server.close(), behind.stop()])),
  };
}

/**
 * Asks the real token endpoint and passes its answer on.
 *
 * @param relay what becomes of the text of a good answer
 */
export function passOn(realEndpoint: string, relay = changed({})): TokenReply {
  return async (response, request) => {
    const { authorization } = request.headers;
    const answer = await fetch(realEndpoint, {
      method: 'POST',
      body: request.body,
      headers: { ...(authorization !== undefined && { authorization }) },
    });
    const body = await answer.text();
    const reply = answer.ok ? relay(body) : raw(answer.status, body);
    reply(response, request);
  };
}

/** For `passOn`: with these members in place of its own; undefined leaves one out. */
export function changed(changes: Record<string, unknown>): (body: string) => TokenReply {
  return (body) => json(200, { ...JSON.parse(body), ...changes });
}
