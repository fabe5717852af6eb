import type { SecretRedaction } from '../net/secret-redaction.ts';
import { callSecrets } from './call-secrets.ts';
import { HttpRefusal } from './classify-failure.ts';
import { drain } from './drain.ts';
import { type RefusalError, readRefusalError } from './refusal-error.ts';
import { type AddressedAnswer, redirectTarget, shownTarget } from './server-address.ts';

/** These mean the same whatever the body says. */
const TELLING: readonly number[] = [401, 403, 429];

/** @throws HttpRefusal for every answer other than 2xx, with the facts to judge it by */
export async function refuse(
  { response, url }: AddressedAnswer,
  { headers }: { headers: Headers },
  rpcMethod?: string,
): Promise<void> {
  if (response.ok) return;
  const isRedirect = response.status < 400;
  throw new HttpRefusal({
    status: response.status,
    wwwAuthenticate: response.headers.get('www-authenticate'),
    retryAfter: response.headers.get('retry-after'),
    date: response.headers.get('date'),
    sessionNamed: headers.has('mcp-session-id'),
    ...(isRedirect && { redirectsTo: shownTarget(redirectTarget(response, url), secretsOf(headers, url)) }),
    ...(await errorToReport(response, rpcMethod)),
  });
}

function secretsOf(sent: Headers, url: URL): SecretRedaction {
  const headers = Object.fromEntries(sent);
  const bearerToken = headers.authorization?.replace(/^Bearer /, '');
  return callSecrets({ headers, url: url.href, ...(bearerToken !== undefined && { bearerToken }) });
}

/** The JSON-RPC error of a refusal whose status does not tell enough by itself. */
async function errorToReport(response: Response, rpcMethod?: string): Promise<{ error?: RefusalError }> {
  const { status } = response;
  const isTelling = status < 400 || status >= 500 || TELLING.includes(status);
  if (!isTelling && (status === 400 || rpcMethod === 'initialize' || rpcMethod === 'ping')) {
    const error = await readRefusalError(response);
    return error === undefined ? {} : { error };
  }
  drain(response.body?.getReader());
  return {};
}
