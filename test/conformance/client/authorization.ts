import { randomBytes } from 'node:crypto';
import { probeAuthorization } from '../../../src/mcp/http/probe-authorization.ts';
import { buildAuthorizationUrl } from '../../../src/oauth/authorization-request.ts';
import { readAuthorizationResponse } from '../../../src/oauth/authorization-response.ts';
import { type CodeGrantOutcome, exchangeCode } from '../../../src/oauth/code-grant.ts';
import { createAuthorizationServerLookup } from '../../../src/oauth/discovery.ts';
import type { DiscoveryOutcome } from '../../../src/oauth/issuer-metadata.ts';
import { resourceOf } from '../../../src/oauth/resource-of.ts';
import type { TokenOutcome } from '../../../src/oauth/token-answer.ts';
import { clientCredentialsGrant } from './client-credentials-grant.ts';
import { type ChosenClient, createClients } from './clients.ts';
import { followRedirects } from './follow-redirects.ts';
import type { World } from './world.ts';

/** Why consent is needed. */
export interface ConsentNeeded {
  /** The scopes that a 403 asks for, and those of before. Absent: there is no token, or the server refused it. */
  requiredScopes?: string[];
}

export interface Consent {
  accessToken: string;
  requestedScopes: readonly string[];
}

/** @throws Error where the flow ends without a token */
export type Authorize = (needed: ConsentNeeded) => Promise<Consent>;

/** What a challenge names. */
interface Challenged {
  resourceMetadataUrl?: string;
  scope?: string;
}

type Found = Extract<DiscoveryOutcome, { kind: 'found' }>;

interface Authorization {
  found: Found;
  client: ChosenClient;
  /** Undefined: left out of the requests. */
  scope: string | undefined;
  resource: string | undefined;
}

/** Creates the flow from a server's challenge to an access token: discovery, client, consent, tokens. */
export function createAuthorization(world: World): Authorize {
  const clientOf = createClients(world);
  return async (needed) => {
    const { url } = world.scenario;
    const probed = await probeAuthorization(world.guardedFetch, { url, headers: {} });
    const challenged = probed.kind === 'challenged' ? probed : {};
    const found = await discover(world, challenged);
    const scope = scopeOf(needed, challenged, found);
    const resource = resourceOf(url, {}, found.resource);
    const authorization = { found, scope, resource, client: await clientOf(found.metadata) };
    const isForMachine = world.scenario.name.startsWith('auth/client-credentials-');
    const granted = await (isForMachine ? grantToMachine : grantToUser)(world, authorization);
    if (granted.kind !== 'tokens' || granted.answer.accessToken === undefined) {
      throw new Error(`token endpoint: ${granted.kind}`);
    }
    return { accessToken: granted.answer.accessToken, requestedScopes: scope?.split(' ') ?? [] };
  };
}

async function discover(world: World, { resourceMetadataUrl }: Challenged): Promise<Found> {
  const lookup = createAuthorizationServerLookup(world.guardedFetch);
  const server = { url: world.scenario.url, auth: { type: 'oauth2' } };
  const found = await lookup.ofMcpServer(server, {
    ...(resourceMetadataUrl !== undefined && { resourceMetadataUrl }),
    // Otherwise a move to another authorization server would be seen later.
    skipCache: true,
  });
  if (found.kind !== 'found') throw new Error(`discovery: ${JSON.stringify(found)}`);
  return found;
}

function scopeOf(
  { requiredScopes }: ConsentNeeded,
  { scope }: Challenged,
  { resource }: Found,
): string | undefined {
  return requiredScopes?.join(' ') ?? scope ?? resource?.scopesSupported?.join(' ');
}

async function grantToUser(
  { guardedFetch }: World,
  { found: { metadata }, client, scope, resource }: Authorization,
): Promise<CodeGrantOutcome> {
  const { authorizationEndpoint } = metadata;
  if (authorizationEndpoint === undefined) throw new Error('there is no authorization endpoint');
  const state = randomBytes(32).toString('base64url');
  const request = {
    redirectUri: client.redirectUri,
    codeVerifier: randomBytes(32).toString('base64url'),
    ...(resource !== undefined && { resource }),
  };
  const url = await buildAuthorizationUrl({
    ...request,
    metadata: { authorizationEndpoint },
    clientId: client.clientId,
    state,
    ...(scope !== undefined && { scope }),
  });
  const parameters = await followRedirects(guardedFetch, url, client.redirectUri);
  if (parameters.get('state') !== state) throw new Error('the state is not the one that was sent');
  const response = readAuthorizationResponse(parameters, metadata);
  if (response.kind !== 'code') throw new Error(`authorization response: ${JSON.stringify(response)}`);
  const { tokenEndpoint, addressFrom } = metadata;
  return exchangeCode(guardedFetch, {
    ...client,
    ...request,
    tokenEndpoint,
    addressFrom,
    code: response.code,
  });
}

async function grantToMachine(
  world: World,
  { found, client, scope, resource }: Authorization,
): Promise<TokenOutcome> {
  const parameters = { ...(scope !== undefined && { scope }), ...(resource !== undefined && { resource }) };
  return clientCredentialsGrant(world, found.metadata, client, parameters);
}
