import type { AuthorizationServerMetadata, DiscoveryOutcome, ProtectedResource } from './issuer-metadata.ts';

/** An MCP server, and what an admin registered about its authorization server. */
export interface McpServerParty {
  url: string;
  auth: {
    type: string;
    authorizationServer?: string;
    authorizationEndpoint?: string;
    tokenEndpoint?: string;
    revocationEndpoint?: string;
  };
}

/** Puts the endpoints that an admin registered in place of those that were discovered, or that were not. */
export function withRegisteredEndpoints(
  outcome: DiscoveryOutcome,
  server: McpServerParty,
  resource?: ProtectedResource,
): DiscoveryOutcome {
  const { tokenEndpoint } = server.auth;
  if (outcome.kind === 'found') {
    // The defaults of MCP 2025-03-26 are a guess, which what an admin says replaces as a whole.
    const isReplaced = outcome.metadata.source === 'defaults' && tokenEndpoint !== undefined;
    const metadata = isReplaced
      ? registeredMetadata(tokenEndpoint, server)
      : overridden(outcome.metadata, server);
    return found(metadata, resource);
  }
  if (outcome.kind === 'unavailable' || tokenEndpoint === undefined) return outcome;
  return found(registeredMetadata(tokenEndpoint, server), resource);
}

/**
 * While metadata can't be had, what an admin registered is enough if it is complete: an authorization server without
 * metadata may answer 5xx where they would be.
 */
export function despiteOutage(
  outcome: DiscoveryOutcome,
  server: McpServerParty,
  resource?: ProtectedResource,
): DiscoveryOutcome {
  const { authorizationEndpoint, tokenEndpoint } = server.auth;
  if (authorizationEndpoint === undefined || tokenEndpoint === undefined) return outcome;
  return found(registeredMetadata(tokenEndpoint, server), resource);
}

function found(
  metadata: AuthorizationServerMetadata,
  resource: ProtectedResource | undefined,
): DiscoveryOutcome {
  return { kind: 'found', metadata, ...(resource !== undefined && { resource }) };
}

function registeredMetadata(tokenEndpoint: string, { auth }: McpServerParty): AuthorizationServerMetadata {
  return {
    issuer: auth.authorizationServer ?? new URL(tokenEndpoint).origin,
    tokenEndpoint,
    ...registeredOf(auth),
    announcesIss: false,
    supportsClientIdMetadataDocument: false,
    addressFrom: 'admin',
    source: 'registration',
  };
}

function overridden(
  metadata: AuthorizationServerMetadata,
  { auth }: McpServerParty,
): AuthorizationServerMetadata {
  const { authorizationEndpoint, tokenEndpoint } = auth;
  const isComplete = authorizationEndpoint !== undefined && tokenEndpoint !== undefined;
  return {
    ...(tokenEndpoint === undefined ? metadata : vouchedPart(metadata, tokenEndpoint)),
    ...registeredOf(auth),
    ...(isComplete && { source: 'registration' as const }),
  };
}

// From now on an admin vouches for the addresses: those that only the MCP server led to must not count as such.
function vouchedPart(
  metadata: AuthorizationServerMetadata,
  tokenEndpoint: string,
): AuthorizationServerMetadata {
  if (metadata.addressFrom === 'admin') return metadata;
  const { registrationEndpoint, revocationEndpoint, userinfoEndpoint, ...rest } = metadata;
  const { origin } = new URL(tokenEndpoint);
  const isVouchedFor = (url: string | undefined) => url !== undefined && new URL(url).origin === origin;
  return {
    ...rest,
    ...(isVouchedFor(registrationEndpoint) && { registrationEndpoint }),
    ...(isVouchedFor(revocationEndpoint) && { revocationEndpoint }),
    ...(isVouchedFor(userinfoEndpoint) && { userinfoEndpoint }),
    addressFrom: 'admin',
  };
}

function registeredOf({ authorizationEndpoint, tokenEndpoint, revocationEndpoint }: McpServerParty['auth']) {
  return {
    ...(authorizationEndpoint !== undefined && { authorizationEndpoint }),
    ...(tokenEndpoint !== undefined && { tokenEndpoint }),
    ...(revocationEndpoint !== undefined && { revocationEndpoint }),
  };
}
