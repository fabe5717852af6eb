import type { IncomingMessage } from 'node:http';
import { z } from 'zod';

/** How callers authenticate. */
export type McpServerAuth =
  | { type: 'none' }
  /** One static token for all callers. */
  | { type: 'bearer'; token: string }
  | {
      type: 'oauth2';
      /** Introspects the token of every request. An `AuthorizationServer` of this folder fits. */
      authorizationServer: {
        issuer: string;
        introspectionEndpoint: string;
        introspectionClient: { clientId: string; clientSecret: string };
      };
      /** Default true: a token without a resource is refused. A token for another resource is always refused. */
      requireAudience?: boolean;
    };

export interface Caller {
  /** The token's `sub`, or `anonymous` without OAuth. */
  user: string;
  /** Absent without OAuth: then no scope is required. */
  scopes?: ReadonlySet<string>;
}

export type Authorization =
  | { kind: 'accepted'; caller: Caller }
  | { kind: 'refused'; status: 401; challenge: string }
  /** The authorization server does not respond, so the token could not be checked. */
  | { kind: 'undecided' };

export interface ProtectedResource {
  /** The server's canonical URI, for which tokens must be issued. */
  resource: string;
  metadataUrl: string;
  /** The scope in the challenge of a 401, which a client should request first. */
  initialScope: string;
}

type OAuth2 = Extract<McpServerAuth, { type: 'oauth2' }>;

const introspectionResponse = z.object({
  active: z.boolean(),
  sub: z.string().optional(),
  scope: z.string().optional(),
  aud: z.union([z.string(), z.array(z.string())]).optional(),
});

type IntrospectionResponse = z.infer<typeof introspectionResponse>;

/** Checks the token of each request. Nothing is cached, so a revocation takes effect at once. */
export function createAuthorizer(auth: McpServerAuth, resource: ProtectedResource) {
  return async (req: IncomingMessage): Promise<Authorization> => {
    const token = /^Bearer (.+)$/i.exec(req.headers.authorization ?? '')?.[1];
    switch (auth.type) {
      case 'none':
        return { kind: 'accepted', caller: { user: 'anonymous' } };
      case 'bearer':
        return token === auth.token
          ? { kind: 'accepted', caller: { user: 'anonymous' } }
          : { kind: 'refused', status: 401, challenge: 'Bearer error="invalid_token"' };
      case 'oauth2':
        return token === undefined ? missingToken(resource) : decide(auth, resource, token);
    }
  };
}

/** @see https://www.rfc-editor.org/rfc/rfc6750#section-3.1 */
export function insufficientScopeChallenge({ metadataUrl }: ProtectedResource, scope: string): string {
  return `Bearer resource_metadata="${metadataUrl}", error="insufficient_scope", scope="${scope}"`;
}

// Without credentials, a challenge carries no error code. RFC 6750 §3.1.
function missingToken({ metadataUrl, initialScope }: ProtectedResource): Authorization {
  const challenge = `Bearer resource_metadata="${metadataUrl}", scope="${initialScope}"`;
  return { kind: 'refused', status: 401, challenge };
}

async function decide(auth: OAuth2, resource: ProtectedResource, token: string): Promise<Authorization> {
  const response = await introspect(auth, token).catch(() => undefined);
  if (response === undefined) return { kind: 'undecided' };
  const { active, sub, scope } = response;
  if (!active || sub === undefined || !isForResource(auth, resource, response)) {
    const challenge = `Bearer resource_metadata="${resource.metadataUrl}", error="invalid_token"`;
    return { kind: 'refused', status: 401, challenge };
  }
  return { kind: 'accepted', caller: { user: sub, scopes: new Set(scope?.split(' ')) } };
}

// A token for another resource must not be accepted. MCP 2025-11-25, basic/authorization#token-handling.
function isForResource(
  auth: OAuth2,
  { resource }: ProtectedResource,
  { aud }: IntrospectionResponse,
): boolean {
  if (aud === undefined) return auth.requireAudience === false;
  return [aud].flat().includes(resource);
}

/** @see https://www.rfc-editor.org/rfc/rfc7662 */
async function introspect({ authorizationServer }: OAuth2, token: string): Promise<IntrospectionResponse> {
  const { introspectionEndpoint, introspectionClient } = authorizationServer;
  const { clientId, clientSecret } = introspectionClient;
  const credentials = Buffer.from(`${clientId}:${clientSecret}`).toString('base64');
  const response = await fetch(introspectionEndpoint, {
    method: 'POST',
    headers: { authorization: `Basic ${credentials}` },
    body: new URLSearchParams({ token, token_type_hint: 'access_token' }),
  });
  if (!response.ok) throw new Error(`introspection answered ${response.status}`);
  return introspectionResponse.parse(await response.json());
}
