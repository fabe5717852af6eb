import { onTestFinished } from 'vitest';
import { startScriptedTokenEndpoint, type TokenReply } from '../refresh/scripted-token-endpoint.ts';

/** Starts an authorization server that answers with these metadata, for the test. Returns its issuer. */
export async function authorizationServerAt(metadata: (issuer: string) => TokenReply): Promise<string> {
  const endpoint = await startScriptedTokenEndpoint();
  onTestFinished(() => endpoint.stop());
  const issuer = `${endpoint.origin}/tenant`;
  endpoint.answer(metadata(issuer), '/.well-known/oauth-authorization-server/tenant');
  return issuer;
}
