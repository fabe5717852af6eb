/**
 * The port that `METRICS_PORT` opens: `/metrics`, and in workers `/health` and `/ready`. It takes no token, because
 * Prometheus and Kubernetes send none, so nothing on it names a user. docs/metrics.md is the reference.
 */
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { raceTimeout } from '../async/deadline.ts';
import type { MetricsAddress } from '../config/load-config.ts';
import { listenFailure } from './cannot-run.ts';

export interface MetricsPort {
  url: string;
  /** Adds metrics in Prometheus' text format, with names of their own. */
  addSource(read: () => Promise<string>): void;
  /** Serves `/health` and `/ready` from now on. */
  serveProbes(probes: Probes): void;
  close(): Promise<void>;
}

/** What `/ready` asks. Each check rejects if it fails. */
export interface Probes {
  version: string;
  isDraining(): boolean;
  checks: Readonly<Record<string, () => Promise<void>>>;
}

interface Answer {
  status: number;
  contentType: string;
  body: string;
}

/** A probe of Kubernetes waits for a second by default, and most operators raise that. */
const CHECK_TIMEOUT_MS = 2_000;
const JSON_TYPE = 'application/json; charset=utf-8';

/** @throws CannotRun if the address can't be listened on */
export async function openMetricsPort(
  address: MetricsAddress,
  own: { contentType: string; read(): Promise<string> },
): Promise<MetricsPort> {
  const sources = [own.read];
  let probes: Probes | undefined;
  const scrape = shared(async () => ({
    status: 200,
    contentType: own.contentType,
    body: (await Promise.all(sources.map((read) => read()))).join('\n'),
  }));
  const ready = shared(async () => (probes ? readiness(probes) : NOT_FOUND));
  const answerTo = async (path: string): Promise<Answer> => {
    switch (path) {
      case '/metrics':
        return scrape();
      case '/health':
        return probes ? json(200, { status: 'ok', version: probes.version }) : NOT_FOUND;
      case '/ready':
        return ready();
      default:
        return NOT_FOUND;
    }
  };
  const server = await listen(address, answerTo);
  return {
    url: urlOf(server),
    addSource: (read) => void sources.push(read),
    serveProbes(given) {
      probes = given;
    },
    async close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function listen(address: MetricsAddress, answerTo: (path: string) => Promise<Answer>): Promise<Server> {
  const server = createServer((request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return send(response, METHOD_NOT_ALLOWED);
    const path = (request.url ?? '').replace(/\?.*/s, '');
    answerTo(path).then(
      (answer) => send(response, answer),
      () => send(response, FAILED),
    );
  });
  try {
    await once(server.listen(address), 'listening');
  } catch (error) {
    throw listenFailure(error, address, { host: 'METRICS_HOST', port: 'METRICS_PORT' });
  }
  return server;
}

async function readiness({ isDraining, checks, version }: Probes): Promise<Answer> {
  const outcomes = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => [name, await outcomeOf(check)] as const),
  );
  const status = isDraining() ? 'draining' : outcomes.every(([, ok]) => ok) ? 'ready' : 'not-ready';
  const shown = Object.fromEntries(outcomes.map(([name, ok]) => [name, ok ? 'ok' : 'down']));
  return json(status === 'ready' ? 200 : 503, { status, version, checks: shown });
}

function outcomeOf(check: () => Promise<void>): Promise<boolean> {
  const outcome = check().then(
    () => true,
    () => false,
  );
  return raceTimeout({ ms: CHECK_TIMEOUT_MS }, outcome, () => false);
}

/** Shares one running answer among all requests, because this port takes no token and could be flooded. */
function shared(answer: () => Promise<Answer>): () => Promise<Answer> {
  let running: Promise<Answer> | undefined;
  return () => {
    running ??= answer().finally(() => {
      running = undefined;
    });
    return running;
  };
}

function send(response: ServerResponse, { status, contentType, body }: Answer): void {
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(body) });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

function json(status: number, body: object): Answer {
  return { status, contentType: JSON_TYPE, body: JSON.stringify(body) };
}

const NOT_FOUND = json(404, { status: 'not-found' });
const METHOD_NOT_ALLOWED = json(405, { status: 'method-not-allowed' });
const FAILED = json(500, { status: 'failed' });

// A URL has brackets around an IPv6 address (RFC 3986 §3.2.2).
function urlOf(server: Server): string {
  // The cast leaves out the form of a Unix socket's address.
  const { address, family, port } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
