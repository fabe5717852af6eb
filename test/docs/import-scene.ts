/** What a reader of docs/import.md has: lines to import, an API like Nango's, and documents as LibreChat's MongoDB has them. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { expect, onTestFinished } from 'vitest';
import { ADA, CREDS_KEY, client, document } from '../commands/import/librechat-export.ts';
import { serveHttp } from '../net/loopback-server.ts';
import { pageBlocks } from './page-blocks.ts';
import type { Scene } from './page-scenes.ts';
import type { Reader } from './reader/reader.ts';

const NANGO_KEY = 'key-of-nango';
const CONNECTION_ID = 'team 7/ada';
/** Stands for the program of MongoDB, which can't be installed from npm or Debian. */
const MONGOEXPORT = `mongoexport() {
  case "$*" in *' tokens '*) cat librechat-tokens.ndjson ;; *' users '*) cat librechat-users.ndjson ;; *) return 1 ;; esac
}`;

export async function importScene(reader: Reader): Promise<Scene> {
  const nango = await serveHttp(answerLikeNango);
  onTestFinished(nango.close);
  return {
    environment: async () => ({
      TOKEN: await reader.tokenOf('mover', 'latchkey:act-for-users'),
      NANGO_KEY,
      CREDS_KEY,
      MONGO_URI: 'mongodb://127.0.0.1/librechat',
    }),
    before: async (shell) => {
      await reader.register('notes');
      await writeExports(reader);
      await shell.run(MONGOEXPORT);
    },
    blocks: {
      // The second line is for a server that is registered later.
      1: {
        failed: '1 1 1',
        after: async (_, { output }) => expect(output).toContain('stored 1, already connected 0, failed 1.'),
      },
      3: {
        before: () => reader.register('archive'),
        after: async (_, { output }) => expect(output).toContain('stored 1, already connected 0, failed 0.'),
      },
      4: {
        run: (shell, { text }) =>
          shell.run(reader.inReadersWords(text.replaceAll('https://api.nango.dev', nango.url))),
        after: async (_, { output }) => expect(output).toContain('would be stored 1, already connected 0'),
      },
      5: {
        after: async (_, { output }) => expect(output).toContain('would be stored 1, already connected 0'),
      },
    },
  };
}

async function writeExports(reader: Reader): Promise<void> {
  const line = jsonOf(reader, 'import-1').replace('ada@example.com', 'moved@example.com');
  await reader.write('connections.ndjson', `${line}\n${line.replace('"notes"', '"archive"')}\n`);
  await reader.write('map.json', jsonOf(reader, 'import-2'));
  const metadata = { token_endpoint: reader.inReadersWords('https://as.example/token') };
  await reader.write(
    'librechat-tokens.ndjson',
    ndjson([
      document('mcp_oauth', 'access', { server: 'notes' }),
      document('mcp_oauth_refresh', 'refresh', { server: 'notes' }),
      client({ server: 'notes', metadata }),
    ]),
  );
  await reader.write('librechat-users.ndjson', ndjson([{ _id: { $oid: ADA }, email: 'chat@example.com' }]));
}

/** The block of the page, in one line. */
function jsonOf(reader: Reader, name: string): string {
  const block = pageBlocks('json').find((one) => one.name === name);
  return reader.inReadersWords(block?.text.trim() ?? '');
}

function ndjson(values: readonly object[]): string {
  return values.map((value) => `${JSON.stringify(value)}\n`).join('');
}

/** Answers the two routes that the page asks. */
function answerLikeNango(request: IncomingMessage, response: ServerResponse): void {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://nango');
  const integration = searchParams.get('integrationId') ?? searchParams.get('provider_config_key');
  const isAllowed = request.headers.authorization === `Bearer ${NANGO_KEY}` && integration === 'notes-prod';
  const answer = isAllowed ? answerAt(pathname, searchParams) : undefined;
  response.writeHead(answer === undefined ? 404 : 200).end(JSON.stringify(answer ?? {}, null, 2));
}

function answerAt(pathname: string, query: URLSearchParams): object | undefined {
  const connection = {
    connection_id: CONNECTION_ID,
    provider_config_key: 'notes-prod',
    connection_config: {},
  };
  if (pathname === '/connections') return { connections: [connection] };
  if (pathname !== `/connections/${encodeURIComponent(CONNECTION_ID)}`) return undefined;
  if (query.get('refresh_token') !== 'true') return undefined;
  const credentials = { type: 'OAUTH2', access_token: 'access', refresh_token: 'refresh', raw: {} };
  return { ...connection, tags: { end_user_id: 'nango@example.com' }, credentials };
}
