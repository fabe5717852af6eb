import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SignJWT } from 'jose';
import { startAuthorizationServer } from '../../../src/dev/embedded/authorization-server.ts';
import { authorizeHeadlessly } from '../../../src/dev/embedded/authorize-headlessly.ts';
import { freePort } from '../../../src/dev/embedded/free-port.ts';
import { createHeadlessBrowser } from '../../../src/dev/embedded/headless-browser.ts';
import { startMcpServer } from '../../../src/dev/embedded/mcp-server.ts';
import { findTemporalCli } from '../../../src/dev/embedded/server-binaries.ts';
import { startInTerminal } from '../terminal.ts';
import { openShell, type Shell } from './shell.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const LINKED = ['dist', 'docs', 'examples', 'migrations', 'node_modules', 'package.json'];
const PATIENCE_MS = 90_000;
const REDIRECT_URI = 'https://app.example.com/callback';

/** Somebody in a checkout, with an MCP server, whose pages' commands run against a real `latchkey dev`. */
export interface Reader {
  folder: string;
  environment: Record<string, string>;
  /** Where the MCP server of the pages' examples is. */
  mcpServerUrl: string;
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
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-reader-'));
  // Where tests run as root, Postgres does not.
  await chmod(folder, 0o755);
  for (const name of LINKED) await symlink(join(ROOT, name), join(folder, name));
  const authorizationServer = await startAuthorizationServer();
  const mcpServer = await startMcpServer({ auth: { type: 'oauth2', authorizationServer } });
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const metricsPort = await freePort();
  const collector = await startCollector();
  const terminal = await startInTerminal(`node ${join(ROOT, 'dist', 'cli.js')} dev`, PATIENCE_MS, {
    cwd: folder,
    environment: {
      PORT: String(port),
      RETURN_ORIGINS: 'https://app.example.com',
      METRICS_PORT: String(metricsPort),
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    },
  });
  await terminal.shows('latchkey dev is up');
  const read = (name: string) => readFile(join(folder, '.latchkey', name), 'utf8');
  const dev = JSON.parse(await read('environment.json')) as Record<string, string>;
  const environment = {
    ...dev,
    PATH: `${dirname(temporalCli())}:${process.env.PATH}`,
    LATCHKEY_URL: url,
    LATCHKEY_TOKEN: await read('token'),
    TOKEN: await read('token'),
    ADMIN_TOKEN: await read('token'),
    PORT: String(await freePort()),
  };
  const { clientId } = await authorizationServer.registerClient({
    redirectUris: [REDIRECT_URI],
    tokenEndpointAuthMethod: 'none',
  });
  const grantOf = (accountId: string) =>
    authorizeHeadlessly({
      issuer: authorizationServer.issuer,
      clientId,
      redirectUri: REDIRECT_URI,
      resource: mcpServer.url,
      accountId,
    });
  const grant = await grantOf('dev');
  const words: readonly (readonly [string, string])[] = [
    ['http://127.0.0.1:3000', url],
    ['http://127.0.0.1:9464', `http://127.0.0.1:${metricsPort}`],
    ['localhost:7233', dev.TEMPORAL_ADDRESS ?? ''],
    ['https://latchkey.example/', `${url}/`],
    ['https://latchkey.example', url],
    ['https://auth.example.com/token', grant.tokenEndpoint],
    ['https://as.example/token', grant.tokenEndpoint],
    ['https://mcp.example/mcp', mcpServer.url],
    ['"refreshToken":"…"', `"refreshToken":"${grant.refreshToken}"`],
    ['"accessToken":"…"', `"accessToken":"${grant.accessToken}"`],
    ['"clientId":"app"', `"clientId":"${clientId}"`],
    ['REFRESH_TOKEN', grant.refreshToken],
    ['ACCESS_TOKEN', grant.accessToken],
    ['CLIENT_ID', clientId],
    ...['mcp', 'ledger', 'crm', 'search'].map(
      (host) => [`https://${host}.example.com/mcp`, mcpServer.url] as const,
    ),
  ];
  const secret = new TextEncoder().encode(dev.JWT_SECRET);
  const reader: Reader = {
    folder,
    environment,
    mcpServerUrl: mcpServer.url,
    inReadersWords: (text) => words.reduce((done, [from, to]) => done.replaceAll(from, to), text),
    openShell: (more = {}) => openShell(folder, { ...environment, ...more }),
    tokenOf: (user, scope) =>
      new SignJWT({ sub: user, ...(scope !== undefined && { scope }) })
        .setProtectedHeader({ alg: 'HS256' })
        .setExpirationTime('1 hour')
        .sign(secret),
    async ask(user, request, body) {
      const [method = '', path] = request.split(' ');
      const response = await fetch(`${url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${await reader.tokenOf(user, 'latchkey:admin')}`,
          ...(body && { 'content-type': 'application/json' }),
        },
        ...(body && { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${request}: ${text}`);
      return text === '' ? undefined : JSON.parse(text);
    },
    async consent(link, account) {
      const browser = createHeadlessBrowser();
      const page = await browser.press(await browser.open(link), 'Connect');
      return (await browser.press(page, 'Sign in and allow', { account })).heading;
    },
    async register(mcpServerId) {
      const server = { url: mcpServer.url, auth: { type: 'oauth2' } };
      await reader.ask('dev', `PUT /mcp-servers/${mcpServerId}`, server);
    },
    async write(name, text) {
      const path = join(folder, name);
      await writeFile(path, text);
      return path;
    },
    traces: collector.requests,
    async connect(user, mcpServerId, account = 'default') {
      await reader.register(mcpServerId);
      const { tokenEndpoint, accessToken, refreshToken, expiresIn } = await grantOf(user);
      const tokens = { tokenEndpoint, accessToken, refreshToken, expiresIn, clientId };
      const deposit = { mcpServerId, account, ...tokens, resource: mcpServer.url };
      await reader.ask(user, 'POST /mcp-oauth-credentials', deposit);
    },
    async close() {
      await terminal.interrupt();
      await Promise.all([mcpServer.stop(), authorizationServer.stop(), collector.close()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
  return reader;
}

/** Takes traces, and counts them. */
async function startCollector() {
  let requests = 0;
  const server = createServer((request, response) => {
    requests += 1;
    request.resume().on('end', () => response.end());
  });
  const port = await freePort();
  await once(server.listen(port, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${port}`,
    requests: () => requests,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function temporalCli(): string {
  const found = findTemporalCli(process.env);
  if (found.kind !== 'found') throw new Error('no Temporal CLI');
  return found.path;
}
