import { type IncomingHttpHeaders, STATUS_CODES } from 'node:http';
import { answerBody } from './answer-body.ts';
import type { AnswerHead } from './exchange.ts';
import { NetworkError } from './network.ts';

/** @see https://fetch.spec.whatwg.org/#null-body-status */
const NULL_BODY_STATUSES: readonly number[] = [204, 205, 304];

/**
 * Returns the answer as fetch would, with a limit on its body. The reason phrase is the standard one, never the
 * server's text.
 *
 * @throws NetworkError `malformed-answer` for a status that no Response can have (RFC 9110 §15: 100–599)
 */
export function answerResponse(
  head: AnswerHead,
  request: { method: string; maxBodyBytes: number },
): Response {
  const { status } = head;
  try {
    const headers = headersOf(head.headers);
    const init = { status, statusText: STATUS_CODES[status] ?? '', headers };
    if (request.method === 'HEAD' || NULL_BODY_STATUSES.includes(status)) {
      head.body.resume();
      return new Response(null, init);
    }
    return new Response(answerBody(head.body, { maxBytes: request.maxBodyBytes, headers }), init);
  } catch (cause) {
    head.body.destroy();
    throw new NetworkError('malformed-answer', true, { cause });
  }
}

function headersOf(received: IncomingHttpHeaders): Headers {
  const headers = new Headers();
  for (const [name, values] of Object.entries(received)) {
    for (const value of [values ?? []].flat()) headers.append(name, value);
  }
  return headers;
}
