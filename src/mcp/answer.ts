import { NetworkError } from '../net/network.ts';
import type { AnswerSource } from './answer-source.ts';
import { readAnswerStream } from './answer-stream.ts';
import { UnusableAnswer } from './classify-failure.ts';
import { drain } from './drain.ts';
import { mediaType } from './media-type.ts';
import { answersRequest } from './rpc-message.ts';

const COMMON_TYPES = new Set([
  'text/html',
  'text/plain',
  'text/xml',
  'application/xml',
  'application/octet-stream',
]);

/**
 * The JSON text of the response to a request, from a 2xx answer of either form that Streamable HTTP allows.
 *
 * @throws UnusableAnswer, StreamEnded, or the NetworkError of reading.
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#sending-messages-to-the-server
 */
export async function readAnswer(response: Response, source: AnswerSource): Promise<string> {
  const type = mediaType(response);
  if (type === 'text/event-stream') return readAnswerStream(response, source);
  if (type === 'application/json') return readJsonAnswer(response, source);
  drain(response.body?.getReader());
  throw new UnusableAnswer(`HTTP ${response.status} of ${describeType(type)}`);
}

// What a server calls its answer is its own words, as long as nobody else says so too.
function describeType(type: string): string {
  if (type === '') return 'no type';
  return COMMON_TYPES.has(type) ? `type ${type}` : 'another type';
}

async function readJsonAnswer(response: Response, { requestId, maxBytes }: AnswerSource): Promise<string> {
  const text = await readText(response, maxBytes);
  const messages: unknown[] = [parseJson(text)].flat();
  if (!messages.some((message) => answersRequest(message, requestId))) {
    throw new UnusableAnswer('no response to the request');
  }
  return text;
}

async function readText(response: Response, maxBytes: number): Promise<string> {
  if (response.body === null) throw new UnusableAnswer('no body');
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    // Leaving the loop cancels the body.
    if (bytes > maxBytes) throw new NetworkError('body-too-large', true);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UnusableAnswer('not JSON', { cause });
  }
}
