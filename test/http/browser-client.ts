import type { LightMyRequestResponse as Answer, FastifyInstance, InjectOptions } from 'fastify';

/** A browser as far as the server can tell: it keeps cookies and sends the headers of navigations. */
export interface BrowserClient {
  /** By name, as the browser would send them. */
  cookies: Map<string, string>;
  open(url: string, headers?: Record<string, string>): Promise<Answer>;
  /** Submits a form with these fields, or this body, as a page of PUBLIC_URL would. */
  submit(
    url: string,
    fields: Record<string, string> | string,
    headers?: Record<string, string>,
  ): Promise<Answer>;
  /** Calls the API, as a script of a page of PUBLIC_URL would. */
  call(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    url: string,
    body?: object,
    headers?: Record<string, string>,
  ): Promise<Answer>;
  /** Opens a page, fills in the fields of its form with this action (below PUBLIC_URL), and submits it. */
  fillIn(pageUrl: string, action: string, fields?: Record<string, string>): Promise<Answer>;
}

/** @param remoteAddress the browser's address; default: this machine's */
export function createBrowserClient(
  app: FastifyInstance,
  publicUrl: string,
  { remoteAddress = '127.0.0.1' }: { remoteAddress?: string } = {},
): BrowserClient {
  const { host, origin, pathname } = new URL(publicUrl);
  const base = pathname.replace(/\/$/, '');
  const cookies = new Map<string, string>();
  const send = async (request: InjectOptions): Promise<Answer> => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { host, accept: 'text/html,*/*;q=0.8', ...(cookie && { cookie }), ...request.headers };
    const answer = await app.inject({ remoteAddress, ...request, headers });
    for (const { name, value, expires, maxAge } of answer.cookies) {
      if (maxAge === 0 || (expires !== undefined && expires.getTime() <= Date.now())) cookies.delete(name);
      else cookies.set(name, value);
    }
    return answer;
  };
  const client: BrowserClient = {
    cookies,
    open: (url, headers = {}) => send({ url, headers }),
    submit: (url, fields, headers = {}) =>
      send({
        method: 'POST',
        url,
        payload: typeof fields === 'string' ? fields : new URLSearchParams(fields).toString(),
        headers: { 'content-type': 'application/x-www-form-urlencoded', origin, ...headers },
      }),
    call: (method, url, payload, headers = {}) =>
      send({
        method,
        url,
        ...(payload && { payload }),
        headers: { accept: 'application/json', ...(method !== 'GET' && { origin }), ...headers },
      }),
    async fillIn(pageUrl, action, fields = {}) {
      const page = await client.open(pageUrl);
      return client.submit(action, { ...hiddenFields(page.body, `${base}${action}`), ...fields });
    },
  };
  return client;
}

/** The fields of the first form with this action, as a browser would send them if nothing was typed. */
export function hiddenFields(html: string, action: string): Record<string, string> {
  const form = [...html.matchAll(/<form\b[^>]*>[\s\S]*?<\/form>/g)]
    .map(([text]) => text)
    .find((text) => text.includes(`action="${action}"`));
  const inputs = [...(form ?? '').matchAll(/<input\b[^>]*>/g)].map(([input]) => input);
  return Object.fromEntries(inputs.map((input) => [attribute(input, 'name'), attribute(input, 'value')]));
}

function attribute(tag: string, name: string): string {
  return new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1]?.replaceAll('&amp;', '&') ?? '';
}

export function csrfIn(html: string): string {
  return /name="csrf" value="([^"]*)"/.exec(html)?.[1] ?? '';
}
