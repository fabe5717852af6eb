import { StringDecoder } from 'node:string_decoder';
import { NetworkError } from '../../net/network.ts';
import type { AnswerSource } from './answer-source.ts';
import { readAnswerStream } from './answer-stream.ts';
import { type ByteReader, mediaType, openBody, reportingProgress } from './body-reader.ts';
import { abortBody, discardBody } from './discard-body.ts';
import { UnusableAnswer } from './failures.ts';
import { deliverBeside, messageDelivery } from './message-delivery.ts';
import { readMessages } from './read-messages.ts';
import type { RpcAnswer } from './rpc-answer.ts';

const COMMON_TYPES = new Set([
  'text/html',
  'text/plain',
  'text/xml',
  'application/xml',
  'application/octet-stream',
]);

/**
 * Reads the response to a request from an HTTP answer: JSON or an event stream, as Streamable HTTP allows.
 *
 * @throws UnusableAnswer, StreamEnded, or the NetworkError of reading
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#sending-messages-to-the-server
 */
export async function readAnswer(response: Response, source: AnswerSource): Promise<RpcAnswer> {
  const { form, reader: body } = await openBody(response, source.maxBytes);
  const reader = reportingProgress(body, source.alive);
  switch (form) {
    case 'events':
      return readAnswerStream(reader, source);
    case 'json':
      return readJsonAnswer(reader, source);
    case 'other':
      discardBody(reader);
      throw new UnusableAnswer(`HTTP ${response.status} of ${describeType(mediaType(response))}`);
    default:
      return form satisfies never;
  }
}

// The media type is the server's own text, so only common ones are repeated in the error.
function describeType(type: string): string {
  if (type === '') return 'no type';
  return COMMON_TYPES.has(type) ? `type ${type}` : 'another type';
}

async function readJsonAnswer(reader: ByteReader, source: AnswerSource): Promise<RpcAnswer> {
  const text = await readText(reader, source);
  const { parsed, answer } = await readMessages(text, source, true);
  if (parsed === undefined) throw new UnusableAnswer('not JSON');
  // A batch, which older revisions allow, may hold other messages too.
  await deliverBeside(answer, messageDelivery(source)(parsed), source);
  if (answer === undefined) throw new UnusableAnswer('no response to the request');
  return answer;
}

async function readText(reader: ByteReader, { maxBytes, held }: AnswerSource): Promise<string> {
  // Decodes each chunk when it arrives: 10 MiB at once would take 30 ms.
  const decoder = new StringDecoder('utf8');
  let text = '';
  for (let bytes = 0; bytes <= maxBytes; ) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.end();
    text += decoder.write(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
    bytes += value.byteLength;
    held?.(value.byteLength);
  }
  abortBody(reader);
  throw new NetworkError('body-too-large', true);
}
