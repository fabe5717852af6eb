import type { SecretRedaction } from '../../net/secret-redaction.ts';
import { callSecrets } from '../call-secrets.ts';
import { discardBody } from './discard-body.ts';
import { HttpRefusal, type RefusalFacts } from './failures.ts';
import { type ReadingRules, type RefusalReading, readRefusal } from './refusal-error.ts';
import type { RpcId } from './rpc-message.ts';
import { type AddressedAnswer, redirectTarget, shownTarget } from './server-address.ts';

/** The body does not change what these statuses mean. */
const DECIDED_BY_STATUS: readonly number[] = [401, 403, 429, 503];

/** A request that expects an answer. */
export interface RefusedRequest {
  method: string;
  id: RpcId;
  maxAnswerBytes: number;
  read: ReadingRules;
}

/** @throws HttpRefusal for every answer other than 2xx, with the facts to classify it by */
export async function throwIfRefused(
  { response, url }: AddressedAnswer,
  { headers }: { headers: Headers },
  request?: RefusedRequest,
): Promise<void> {
  if (response.ok) return;
  const isRedirect = response.status < 400;
  const sessionNamed = headers.has('mcp-session-id');
  throw new HttpRefusal({
    status: response.status,
    wwwAuthenticate: response.headers.get('www-authenticate'),
    retryAfter: response.headers.get('retry-after'),
    date: response.headers.get('date'),
    sessionNamed,
    ...(isRedirect && { redirectsTo: shownTarget(redirectTarget(response, url), secretsOf(headers, url)) }),
    ...(await bodyToReport(response, sessionNamed, request)),
  });
}

function secretsOf(sent: Headers, url: URL): SecretRedaction {
  const headers = Object.fromEntries(sent);
  const bearerToken = headers.authorization?.replace(/^Bearer /, '');
  return callSecrets({ headers, url: url.href, ...(bearerToken !== undefined && { bearerToken }) });
}

/** Reads the body where the status alone does not decide. */
async function bodyToReport(
  response: Response,
  sessionNamed: boolean,
  request?: RefusedRequest,
): Promise<Pick<RefusalFacts, 'error' | 'answer'>> {
  const { status } = response;
  const reading =
    request && !DECIDED_BY_STATUS.includes(status) ? readingOf(request, status, sessionNamed) : undefined;
  if (reading === undefined) {
    discardBody(response.body?.getReader());
    return {};
  }
  const answer = await readRefusal(response, reading);
  if (answer === undefined) return {};
  if (reading.ownIdOnly) return { answer };
  return answer.kind === 'rpc-error' ? { error: { code: answer.code, data: answer.data } } : {};
}

/** Returns how the body is read, or undefined if it is not read. */
function readingOf(
  { method, id, maxAnswerBytes, read }: RefusedRequest,
  status: number,
  sessionNamed: boolean,
): RefusalReading | undefined {
  switch (method) {
    case 'initialize':
    case 'ping':
      return status >= 400 && status < 500
        ? { requestId: id, maxBytes: 64 * 1024, timeoutMs: 1_000, ...read }
        : undefined;
    // A session that is over did not handle the call, so the body is not an answer to it.
    case 'tools/call':
      return status === 404 && sessionNamed ? undefined : answerTo(id, maxAnswerBytes, read);
    // A list that failed on the server's side is requested again, so its body is not needed.
    default:
      return status >= 500 || (status === 404 && sessionNamed)
        ? undefined
        : answerTo(id, maxAnswerBytes, read);
  }
}

/**
 * A body with the id of the request is the server's answer to it, under whatever HTTP status the server or its
 * framework sends it. An error without that id may come from a gateway.
 */
function answerTo(requestId: RpcId, maxBytes: number, read: ReadingRules): RefusalReading {
  return { requestId, maxBytes, ownIdOnly: true, timeoutMs: 5_000, ...read };
}
