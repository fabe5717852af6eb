import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { HttpProblem, invalidRequest, problemDocument } from '../problem.ts';
import { requestIdOf } from '../request-id.ts';

/**
 * Answers input that never becomes a request: bytes that are not HTTP, too large headers, a request that takes too
 * long.
 */
export function createClientErrorHandler(version: string) {
  return (error: Error & { code?: string }, socket: Socket): void => {
    if (error.code !== 'ECONNRESET' && socket.writable) socket.write(rawResponse(problemOf(error), version));
    socket.destroy(error);
  };
}

/** Answers an unknown `Expect`. Node's own answer would lack our headers. RFC 9110 §10.1.1. */
export function refuseExpectations(app: FastifyInstance, version: string): void {
  app.server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    const problem = new HttpProblem(417, 'expectation-failed', 'Only 100-continue can be expected.');
    const body = JSON.stringify(problemDocument(problem));
    response.writeHead(problem.status, headers(body, version, requestIdOf(request.headers))).end(body);
  });
}

function problemOf({ code }: { code?: string }): HttpProblem {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new HttpProblem(408, 'request-timeout', 'The request took too long to arrive.');
    case 'HPE_HEADER_OVERFLOW':
      return new HttpProblem(431, 'headers-too-large', 'The headers are too large.');
    default:
      return invalidRequest('This is not a valid HTTP request.');
  }
}

function rawResponse(problem: HttpProblem, version: string): string {
  const body = JSON.stringify(problemDocument(problem));
  // What arrived has no readable headers, so the id is a new one.
  const all = Object.entries(headers(body, version, requestIdOf({})));
  const lines = all.map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n${lines.join('')}\r\n${body}`;
}

function headers(body: string, version: string, requestId: string): Record<string, string> {
  return {
    'X-Latchkey-Version': version,
    'X-Request-Id': requestId,
    'Content-Type': 'application/problem+json',
    'Content-Length': String(Buffer.byteLength(body)),
    'Cache-Control': 'no-store',
    Connection: 'close',
  };
}
