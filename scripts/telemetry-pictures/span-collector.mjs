import { once } from 'node:events';
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';

/**
 * Starts a receiver of OTLP/JSON on a free port of this machine that keeps what it gets.
 *
 * @see https://opentelemetry.io/docs/specs/otlp/#otlphttp
 */
export async function startSpanCollector() {
  const exports = [];
  const server = createServer(async (request, response) => {
    exports.push(await json(request));
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${server.address().port}`,
    /** The bodies of the requests so far. */
    exports,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
