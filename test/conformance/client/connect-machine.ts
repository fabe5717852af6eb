import * as oauth from 'oauth4webapi';
import type { CredentialKey } from '../../../src/contracts/activities.ts';
import { createSecretRedaction } from '../../../src/net/secret-redaction.ts';
import { clientAuthentication } from '../../../src/oauth/client-authentication.ts';
import type { AuthorizationServerMetadata } from '../../../src/oauth/issuer-metadata.ts';
import { readTokenAnswer, type TokenOutcome } from '../../../src/oauth/token-answer.ts';
import { FlowEnded } from './flow-ended.ts';
import type { Scenario } from './scenario.ts';
import type { World } from './world.ts';

/**
 * Connects a client as itself, by the grant `client_credentials`. That grant is this program's own, because Latchkey
 * acts for users only. Discovery, client authentication and the deposit are Latchkey's.
 *
 * @throws FlowEnded where there is no token
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-4.4
 */
export async function connectMachine(world: World, key: CredentialKey, scenario: Scenario): Promise<void> {
  const server = { url: scenario.url, auth: { type: 'oauth2' } };
  const found = await world.authorizationServers.ofMcpServer(server);
  if (found.kind !== 'found') throw new FlowEnded(`discovery: ${JSON.stringify(found)}`);
  const granted = await requestToken(world, scenario, found.metadata);
  if (granted.kind !== 'tokens') throw new FlowEnded(`token endpoint: ${granted.kind}`);
  const { tokenEndpoint } = found.metadata;
  const { accessToken } = granted.answer;
  const deposit = { mcpServerId: key.mcpServerId, tokenEndpoint, accessToken };
  const deposited = await world.deposit(key.userId, deposit);
  if (deposited.kind !== 'stored') throw new FlowEnded(`deposit: ${JSON.stringify(deposited)}`);
}

async function requestToken(
  { guardedFetch }: World,
  { client }: Scenario,
  { issuer, tokenEndpoint, addressFrom, authMethod }: AuthorizationServerMetadata,
): Promise<TokenOutcome> {
  const { clientId = '', ...secrets } = client;
  const method = authMethod === undefined ? {} : { tokenEndpointAuthMethod: authMethod };
  const response = await oauth.genericTokenEndpointRequest(
    { issuer, token_endpoint: tokenEndpoint },
    { client_id: clientId },
    clientAuthentication({ clientId, issuer, ...secrets, ...method }),
    'client_credentials',
    {},
    {
      [oauth.allowInsecureRequests]: true,
      [oauth.customFetch]: (url, { method, headers, body }) =>
        guardedFetch(url, { method, headers, body, addressFrom }),
    },
  );
  return readTokenAnswer(response, createSecretRedaction());
}
