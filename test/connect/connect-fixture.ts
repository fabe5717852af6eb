import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import type { HttpDependencies, HttpOptions } from '../../src/http/dependencies.ts';
import { createWebSessions } from '../../src/web/session-store.ts';
import { type BrowserClient, createBrowserClient, hiddenFields } from '../http/browser-client.ts';
import { type Answer, createHttpFixture, type HttpFixture } from '../http/http-fixture.ts';
import { readableTextOf } from '../support/page-text.ts';
import type { ScriptedAuthorizationServer } from './scripted-authorization-server.ts';

export const CONNECT_URL = 'https://latchkey.example';

export interface Link {
  connectSessionId: string;
  url: string;
}

/** The consent flow over HTTP on a real database, and the browsers that go through it. */
export interface ConnectFixture extends HttpFixture {
  /** Registers a server under a new id. `auth` is merged into its registration's. */
  register(auth?: object, url?: string): Promise<string>;
  browser(): BrowserClient;
  /** A browser in which a user is signed in. */
  signedIn(userId: string): Promise<BrowserClient>;
  /** Makes a link for `alice`, or for `user`. */
  link(mcpServerId: string, more?: object, user?: string): Promise<Link>;
  /** Opens a link, presses Connect, and returns where the browser is sent. */
  press(browser: BrowserClient, url: string): Promise<URL>;
  /** Comes back from the authorization server. Returns the page that the browser ends at, or its redirect elsewhere. */
  comeBack(browser: BrowserClient, callback: string | URL): Promise<Answer>;
  /** What the host sees. */
  status(link: Link, user?: string): Promise<Record<string, unknown>>;
  /** The grant that is stored for a user, or undefined. */
  grant(userId: string, mcpServerId: string, account?: string): Promise<StoredGrant | undefined>;
}

export interface StoredGrant {
  grant: Record<string, unknown>;
  accessToken?: string;
  status: string;
  scopes: string | null;
  subject: string | null;
  label: string | null;
}

/** @param deps in place of the fixture's own */
export async function createConnectFixture(
  deps: Partial<HttpDependencies> = {},
  limits: Pick<HttpOptions, 'beginsPerMinute'> = { beginsPerMinute: 100_000 },
): Promise<ConnectFixture> {
  const http = await createHttpFixture({
    deps,
    http: { publicUrl: CONNECT_URL, signInsPerMinute: 100_000, ...limits },
    policy: 'development',
  });
  const sessions = createWebSessions(http.pool);
  const browser = () => createBrowserClient(http.app, CONNECT_URL);
  const fixture: ConnectFixture = {
    ...http,
    async register(auth = {}, url = 'http://127.0.0.1:9/mcp') {
      const id = `server-${randomUUID()}`;
      const payload = { url, title: 'The Ledger', auth: { type: 'oauth2', ...auth } };
      const answer = await http.askAsAdmin({ method: 'PUT', url: `/mcp-servers/${id}`, payload });
      expect([answer.statusCode, answer.body]).toEqual([201, expect.anything()]);
      return id;
    },
    browser,
    async signedIn(userId) {
      const client = browser();
      const id = await sessions.begin({ userId, isAdmin: false });
      client.cookies.set('__Host-latchkey-session', id);
      return client;
    },
    async link(mcpServerId, more = {}, user = 'alice') {
      const payload = { mcpServerId, ...more };
      const answer = await http.ask({ method: 'POST', url: '/connect-sessions', payload, user });
      expect([answer.statusCode, answer.body]).toEqual([201, expect.anything()]);
      return answer.json();
    },
    async press(client, url) {
      const page = await client.open(pathOf(url));
      const action = new URL(url, CONNECT_URL).pathname;
      const answer = await client.submit(action, hiddenFields(page.body, action));
      expect([answer.statusCode, answer.body]).toEqual([303, '']);
      return new URL(String(answer.headers.location), CONNECT_URL);
    },
    async comeBack(client, callback) {
      const answer = await client.open(pathOf(callback));
      const { location } = answer.headers;
      const leads = location === undefined ? undefined : new URL(location, CONNECT_URL);
      return leads === undefined || leads.origin !== CONNECT_URL ? answer : client.open(pathOf(leads));
    },
    async status({ connectSessionId }, user = 'alice') {
      const answer = await http.ask({ url: `/connect-sessions/${connectSessionId}`, user });
      return answer.json();
    },
    grant: (userId, mcpServerId, account = 'default') => readGrant(http, { userId, mcpServerId, account }),
  };
  return fixture;
}

function pathOf(url: string | URL): string {
  const { pathname, search } = new URL(url, CONNECT_URL);
  return `${pathname}${search}`;
}

async function readGrant(
  { pool, vault }: HttpFixture,
  key: { userId: string; mcpServerId: string; account: string },
): Promise<StoredGrant | undefined> {
  const { rows } = await pool.query(
    `SELECT status, scopes, subject, label, grant_jwe, access_token_jwe FROM mcp_credential
      WHERE user_id = $1 AND mcp_server_id = $2 AND account = $3`,
    [key.userId, key.mcpServerId, key.account],
  );
  const [row] = rows;
  if (row === undefined) return undefined;
  const grant = await vault.open('grant', key, row.grant_jwe);
  const access = row.access_token_jwe && (await vault.open('access-token', key, row.access_token_jwe));
  if (grant.kind !== 'opened') throw new Error('the grant does not open');
  const { status, scopes, subject, label } = row;
  return {
    status,
    scopes,
    subject,
    label,
    grant: JSON.parse(grant.plaintext),
    accessToken: access?.plaintext,
  };
}

/** The address that a scripted authorization server sends a browser back to, with the answer to this request. */
export function answerTo(
  authorizationUrl: URL,
  { issuer }: ScriptedAuthorizationServer,
  changes: Record<string, string | undefined> = {},
): URL {
  const url = new URL(authorizationUrl.searchParams.get('redirect_uri') ?? '');
  const state = authorizationUrl.searchParams.get('state') ?? '';
  for (const [name, value] of Object.entries({ code: 'code-1', state, iss: issuer, ...changes })) {
    if (value !== undefined) url.searchParams.set(name, value);
  }
  return url;
}

/** The text of a page as a person reads it. */
export function headingOf({ body }: Answer): string {
  return readableTextOf(/<h1>([\s\S]*?)<\/h1>/.exec(body)?.[1] ?? '');
}
