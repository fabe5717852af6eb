import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

export interface ReceivedSpan {
  name: string;
  traceId: string;
  spanId: string;
  /** Undefined for the first span of a trace. */
  parentSpanId?: string;
  /** 1 internal, 2 server, 3 client, 4 producer. */
  kind: number;
  attributes: Record<string, unknown>;
  failed: boolean;
}

/** What an OpenTelemetry collector is to its senders: OTLP in JSON over HTTP. */
export interface OtlpReceiver {
  endpoint: string;
  /** Of all requests so far. */
  spans(): ReceivedSpan[];
  /** The attributes of the processes that sent them. */
  resources(): Record<string, unknown>[];
  /** Everything that was sent, as it came. */
  bodies(): string[];
  close(): Promise<void>;
}

interface Value {
  stringValue?: string;
  intValue?: number | string;
}

interface Attribute {
  key: string;
  value: Value;
}

/** @see https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto */
interface Export {
  resourceSpans: {
    resource: { attributes: Attribute[] };
    scopeSpans: { spans: (Omit<ReceivedSpan, 'attributes' | 'failed'> & WireSpan)[] }[];
  }[];
}

interface WireSpan {
  attributes: Attribute[];
  status: { code: number };
}

const ERROR = 2;

export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const exports: Export[] = [];
  const server = createServer(async (request, response) => {
    // The cast trusts OpenTelemetry's exporter.
    if (request.url === '/v1/traces') exports.push((await json(request)) as Export);
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // The cast leaves out the form of a Unix socket's address.
  const { port } = server.address() as AddressInfo;
  const resourceSpans = () => exports.flatMap((one) => one.resourceSpans);
  return {
    endpoint: `http://127.0.0.1:${port}`,
    spans: () =>
      resourceSpans()
        .flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
        .map(({ attributes, status, ...span }) => ({
          ...span,
          attributes: valuesOf(attributes),
          failed: status.code === ERROR,
        })),
    resources: () => resourceSpans().map(({ resource }) => valuesOf(resource.attributes)),
    bodies: () => exports.map((one) => JSON.stringify(one)),
    async close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function valuesOf(attributes: readonly Attribute[]): Record<string, unknown> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue)]),
  );
}
