import type { AuthorizationServerMetadata, DiscoveryOutcome } from './issuer-metadata.ts';

/** An MCP server, and what an admin registered about its authorization server. */
export interface McpServerParty {
  url: string;
  /** The registered headers, by name. */
  headers?: Record<string, string>;
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
  { auth }: McpServerParty,
): DiscoveryOutcome {
  const { tokenEndpoint } = auth;
  if (outcome.kind === 'found') {
    // The defaults of MCP 2025-03-26 are a guess, which what an admin says replaces as a whole.
    const isReplaced = outcome.metadata.source === 'defaults' && tokenEndpoint !== undefined;
    const metadata = isReplaced
      ? registeredMetadata(tokenEndpoint, auth)
      : overridden(outcome.metadata, auth);
    return { kind: 'found', metadata };
  }
  if (outcome.kind === 'unavailable' || tokenEndpoint === undefined) return outcome;
  return { kind: 'found', metadata: registeredMetadata(tokenEndpoint, auth) };
}

/**
 * While metadata can't be had, what an admin registered is enough for grants that exist. It is not enough to connect:
 * only metadata say whether responses have `iss`, and the redirect URI depends on that.
 */
export function despiteOutage(outcome: DiscoveryOutcome, { auth }: McpServerParty): DiscoveryOutcome {
  const { authorizationEndpoint, tokenEndpoint } = auth;
  if (outcome.kind !== 'unavailable') return outcome;
  if (authorizationEndpoint === undefined || tokenEndpoint === undefined) return outcome;
  return { kind: 'found', metadata: registeredMetadata(tokenEndpoint, auth) };
}

// The issuer may be at another host than the token endpoint, so it is not guessed.
function registeredMetadata(
  tokenEndpoint: string,
  auth: McpServerParty['auth'],
): AuthorizationServerMetadata {
  const { authorizationServer } = auth;
  return {
    issuer: authorizationServer ?? tokenEndpoint,
    ...(authorizationServer === undefined && { isIssuerKnown: false }),
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
  auth: McpServerParty['auth'],
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
