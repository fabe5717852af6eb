import { createHash, randomBytes } from 'node:crypto';
import type { CredentialKey } from '../../../src/contracts/activities.ts';
import { FlowEnded } from './flow-ended.ts';
import { followRedirects } from './follow-redirects.ts';
import type { Scenario } from './scenario.ts';
import type { World } from './world.ts';

/**
 * Connects a user by the consent flow: begins it, plays the browser, and completes it with what the browser brings back.
 *
 * @throws FlowEnded where the flow does not end with a connection
 */
export async function connectUser(
  { connect, guardedFetch }: World,
  key: CredentialKey,
  { publicUrl, documentClientId }: Scenario,
): Promise<void> {
  const browserHash = createHash('sha256').update(randomBytes(32)).digest('base64url');
  const session = await connect.startSession(key);
  if (session === undefined) throw new FlowEnded('connect: too many open sessions');
  const begun = await connect.begin(session, browserHash);
  if (begun.kind === 'refused') throw new FlowEnded(`connect: ${begun.code}: ${begun.message}`);
  // The suite knows one document only.
  if (documentClientId !== undefined) begun.url.searchParams.set('client_id', documentClientId);
  const callback = `${publicUrl}/oauth/callback`;
  const back = await followRedirects(guardedFetch, begun.url, callback);
  const completed = await connect.complete({
    parameters: back.searchParams,
    issuerKey: new URL(back).pathname.split('/')[3],
    browserHash,
    signedInUserId: key.userId,
  });
  if (completed.kind !== 'ended') throw new FlowEnded(`connect: ${completed.kind}`);
  const { status, code, detail } = completed.session;
  if (status !== 'connected') throw new FlowEnded(`connect: ${status}, ${code}: ${detail}`);
}
