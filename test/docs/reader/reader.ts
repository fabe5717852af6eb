import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { createHeadlessBrowser } from '../../../src/dev/embedded/headless-browser.ts';
import { type ReadersDev, startReadersDev } from './readers-dev.ts';
import { type ReadersServer, startReadersServer } from './readers-server.ts';
import { openShell, type Shell } from './shell.ts';

/** Somebody in a checkout, with an MCP server, whose pages' commands run against a real `latchkey dev`. */
export interface Reader {
  folder: string;
  environment: Record<string, string>;
  /** The text with this reader's addresses and secrets instead of the page's examples. */
  inReadersWords(text: string): string;
  openShell(environment?: Record<string, string>): Promise<Shell>;
  tokenOf(user: string, scope?: string): Promise<string>;
  /** Asks the API. */
  ask(user: string, request: string, body?: object): Promise<unknown>;
  /** Consents in the browser. Returns the heading of the last page. */
  consent(link: string, account: string): Promise<string>;
  register(mcpServerId: string): Promise<void>;
  connect(user: string, mcpServerId: string, account?: string): Promise<void>;
  /** Writes a file of the reader's own. Returns its path. */
  write(name: string, text: string): Promise<string>;
  /** How many requests the collector of traces got. */
  traces(): number;
  close(): Promise<void>;
}

export async function startReader(): Promise<Reader> {
  const server = await startReadersServer();
  const dev = await startReadersDev();
  const words = await readersWords(dev, server);
  const reader: Reader = {
    ...dev,
    inReadersWords: (text) => words.reduce((done, [from, to]) => done.replaceAll(from, to), text),
    openShell: (more = {}) => openShell(dev.folder, { ...dev.environment, ...more }),
    tokenOf: (user, scope) => tokenOf(dev, user, scope),
    ask: (user, request, body) => askApi(dev, user, request, body),
    consent,
    async register(mcpServerId) {
      const body = { url: server.url, auth: { type: 'oauth2' } };
      await reader.ask('dev', `PUT /mcp-servers/${mcpServerId}`, body);
    },
    async connect(user, mcpServerId, account = 'default') {
      await reader.register(mcpServerId);
      const { scope: _, ...tokens } = await server.grantOf(user);
      const named = { mcpServerId, account, clientId: server.clientId, resource: server.url };
      await reader.ask(user, 'POST /mcp-oauth-credentials', { ...named, ...tokens });
    },
    async write(name, text) {
      const path = join(dev.folder, name);
      await writeFile(path, text);
      return path;
    },
    async close() {
      await dev.stop();
      await server.stop();
    },
  };
  return reader;
}

/** The examples of the pages, each with what this reader has instead. The longer of two comes first. */
async function readersWords(
  { url, metricsUrl, environment }: ReadersDev,
  server: ReadersServer,
): Promise<readonly (readonly [example: string, own: string])[]> {
  const { tokenEndpoint, refreshToken, accessToken } = await server.grantOf('dev');
  return [
    ['http://127.0.0.1:3000', url],
    ['http://127.0.0.1:9464', metricsUrl],
    ['localhost:7233', environment.TEMPORAL_ADDRESS ?? ''],
    ['https://auth.example.com/token', tokenEndpoint],
    ['https://as.example/token', tokenEndpoint],
    ['"refreshToken":"…"', `"refreshToken":"${refreshToken}"`],
    ['"accessToken":"…"', `"accessToken":"${accessToken}"`],
    ['"clientId":"app"', `"clientId":"${server.clientId}"`],
    ['REFRESH_TOKEN', refreshToken],
    ['ACCESS_TOKEN', accessToken],
    ['CLIENT_ID', server.clientId],
    ['https://mcp.example/mcp', server.url],
    ...['mcp', 'ledger', 'crm', 'search'].map(
      (host) => [`https://${host}.example.com/mcp`, server.url] as const,
    ),
    ['https://latchkey.example', url],
  ];
}

function tokenOf({ environment }: ReadersDev, user: string, scope?: string): Promise<string> {
  return new SignJWT({ sub: user, ...(scope !== undefined && { scope }) })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('1 hour')
    .sign(new TextEncoder().encode(environment.JWT_SECRET));
}

async function askApi(dev: ReadersDev, user: string, request: string, body?: object): Promise<unknown> {
  const [method = '', path] = request.split(' ');
  const response = await fetch(`${dev.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${await tokenOf(dev, user, 'latchkey:admin')}`,
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${request}: ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}

async function consent(link: string, account: string): Promise<string> {
  const browser = createHeadlessBrowser();
  const page = await browser.press(await browser.open(link), 'Connect');
  return (await browser.press(page, 'Sign in and allow', { account })).heading;
}
