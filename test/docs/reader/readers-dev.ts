import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../../src/dev/embedded/free-port.ts';
import { findTemporalCli } from '../../../src/dev/embedded/server-binaries.ts';
import { startInTerminal } from '../terminal.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const LINKED = ['dist', 'docs', 'examples', 'migrations', 'node_modules', 'package.json'];
const PATIENCE_MS = 90_000;

/** `latchkey dev` in a folder that looks like a checkout, with metrics and traces. */
export interface ReadersDev {
  folder: string;
  url: string;
  metricsUrl: string;
  /** What a reader's shell has: the address and a token, and what operators' commands need. */
  environment: Record<string, string>;
  /** How many requests the collector of traces got. */
  traces(): number;
  stop(): Promise<void>;
}

export async function startReadersDev(): Promise<ReadersDev> {
  const folder = await makeCheckout();
  const [port, metricsPort, collector] = [await freePort(), await freePort(), await startCollector()];
  const url = `http://127.0.0.1:${port}`;
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
  return {
    folder,
    url,
    metricsUrl: `http://127.0.0.1:${metricsPort}`,
    environment: await environmentIn(folder, url),
    traces: collector.requests,
    async stop() {
      await terminal.interrupt();
      await collector.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function makeCheckout(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-reader-'));
  // Where tests run as root, Postgres does not.
  await chmod(folder, 0o755);
  for (const name of LINKED) await symlink(join(ROOT, name), join(folder, name));
  return folder;
}

async function environmentIn(folder: string, url: string): Promise<Record<string, string>> {
  const read = (name: string) => readFile(join(folder, '.latchkey', name), 'utf8');
  // The cast trusts what `latchkey dev` has written for `latchkey doctor`.
  const dev = JSON.parse(await read('environment.json')) as Record<string, string>;
  const token = await read('token');
  return {
    ...dev,
    PATH: `${dirname(temporalCli())}:${process.env.PATH}`,
    LATCHKEY_URL: url,
    LATCHKEY_TOKEN: token,
    TOKEN: token,
    ADMIN_TOKEN: token,
    // Of a server that a page starts beside `latchkey dev`.
    PORT: String(await freePort()),
  };
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
