import { randomBytes } from 'node:crypto';
import type { BearerChallenge } from '../../../src/mcp/port.ts';
import { buildAuthorizationUrl } from '../../../src/oauth/authorization-request.ts';
import { readAuthorizationResponse } from '../../../src/oauth/authorization-response.ts';
import { exchangeCode } from '../../../src/oauth/code-grant.ts';
import { createAuthorizationServerLookup } from '../../../src/oauth/discovery.ts';
import type { DiscoveryOutcome } from '../../../src/oauth/issuer-metadata.ts';
import { type ChosenClient, createClients } from './clients.ts';
import { followRedirects } from './follow-redirects.ts';
import { grantForClient } from './grant-for-client.ts';
import type { World } from './world.ts';

/** Why consent is needed: the challenge of a 401, or the scopes that a 403 asks for, with those of before. */
export interface ConsentNeeded extends BearerChallenge {
  requiredScopes?: string[];
}

export interface Consent {
  accessToken: string;
  requestedScopes: readonly string[];
}

/** @throws Error where the flow ends without a token */
export type Authorize = (needed: ConsentNeeded) => Promise<Consent>;

type Found = Extract<DiscoveryOutcome, { kind: 'found' }>;

interface Request {
  found: Found;
  client: ChosenClient;
  scope: string | undefined;
}

/** Creates the flow from a server's challenge to an access token: discovery, client, consent, tokens. */
export function createAuthorization(world: World): Authorize {
  const clientOf = createClients(world);
  return async (needed) => {
    const found = await discover(world, needed);
    const scope = scopeOf(needed, found);
    const request = { found, scope, client: await clientOf(found.metadata) };
    const isForMachine = world.scenario.name.startsWith('auth/client-credentials-');
    const accessToken = await (isForMachine ? grantForMachine(world, request) : grantForUser(world, request));
    return { accessToken, requestedScopes: scope?.split(' ') ?? [] };
  };
}

async function discover(world: World, { resourceMetadataUrl }: ConsentNeeded): Promise<Found> {
  // A new lookup each time: a cache would hide that the server has moved to another authorization server.
  const lookup = createAuthorizationServerLookup(world.guardedFetch);
  const found = await lookup.ofMcpServer(
    { url: world.scenario.url, auth: { type: 'oauth2' } },
    { ...(resourceMetadataUrl !== undefined && { resourceMetadataUrl }) },
  );
  if (found.kind !== 'found') throw new Error(`discovery: ${JSON.stringify(found)}`);
  return found;
}

async function grantForUser(world: World, { found, client, scope }: Request): Promise<string> {
  const { metadata, resource } = found;
  const state = randomBytes(32).toString('base64url');
  const shared = {
    clientId: client.clientId,
    redirectUri: client.redirectUri,
    codeVerifier: randomBytes(32).toString('base64url'),
    resource: resource?.resource ?? world.scenario.url,
  };
  const url = await buildAuthorizationUrl({ ...shared, metadata, state, ...(scope !== undefined && { scope }) });
  const parameters = await followRedirects(world.guardedFetch, url, client.redirectUri);
  if (parameters.get('state') !== state) throw new Error('the state is not the one that was sent');
  const response = readAuthorizationResponse(parameters, metadata);
  if (response.kind !== 'code') throw new Error(`authorization response: ${JSON.stringify(response)}`);
  const granted = await exchangeCode(world.guardedFetch, { ...client, ...metadata, ...shared, code: response.code });
  return accessTokenOf(granted);
}
