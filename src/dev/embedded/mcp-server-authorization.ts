import type { IncomingMessage } from 'node:http';
import { z } from 'zod';

/** How callers prove who they are. */
export type McpServerAuth =
  | { type: 'none' }
  /** One static token for everybody. */
  | { type: 'bearer'; token: string }
  | {
      type: 'oauth2';
      /** Asked about every token on every request. An `AuthorizationServer` of this folder fits as it is. */
      authorizationServer: {
        issuer: string;
        introspectionEndpoint: string;
        introspectionClient: { clientId: string; clientSecret: string };
      };
      /** Default true: a token issued for no resource is refused. One for another resource always is. */
      requireAudience?: boolean;
    };

export interface Caller {
  /** The token's `sub`; `anonymous` without OAuth. */
  user: string;
  /** Absent where scopes limit nothing. */
  scopes?: ReadonlySet<string>;
}

export type Authorization =
  | { kind: 'accepted'; caller: Caller }
  | { kind: 'refused'; status: 401; challenge: string }
  /** The authorization server does not answer. */
  | { kind: 'undecided' };

export interface ProtectedResource {
  /** The server's canonical URI, which tokens must be issued for. */
  resource: string;
  metadataUrl: string;
  /** Announced with a 401: what a client asks for first. */
  initialScope: string;
}

type OAuth2 = Extract<McpServerAuth, { type: 'oauth2' }>;

const introspectionAnswer = z.object({
  active: z.boolean(),
  sub: z.string().optional(),
  scope: z.string().optional(),
  aud: z.union([z.string(), z.array(z.string())]).optional(),
});

type IntrospectionAnswer = z.infer<typeof introspectionAnswer>;

/** Decides on each request anew: nothing is cached, so that a revocation takes effect at once. */
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
  const answer = await introspect(auth, token).catch(() => undefined);
  if (answer === undefined) return { kind: 'undecided' };
  if (!answer.active || answer.sub === undefined || !isForUs(auth, resource, answer)) {
    const challenge = `Bearer resource_metadata="${resource.metadataUrl}", error="invalid_token"`;
    return { kind: 'refused', status: 401, challenge };
  }
  return { kind: 'accepted', caller: { user: answer.sub, scopes: new Set(answer.scope?.split(' ')) } };
}

// A token for another resource must not be accepted. MCP 2025-11-25, basic/authorization#token-handling.
function isForUs(auth: OAuth2, { resource }: ProtectedResource, { aud }: IntrospectionAnswer): boolean {
  if (aud === undefined) return auth.requireAudience === false;
  return [aud].flat().includes(resource);
}

/** @see https://www.rfc-editor.org/rfc/rfc7662 */
async function introspect({ authorizationServer }: OAuth2, token: string): Promise<IntrospectionAnswer> {
  const { introspectionEndpoint, introspectionClient } = authorizationServer;
  const { clientId, clientSecret } = introspectionClient;
  const credentials = Buffer.from(`${clientId}:${clientSecret}`).toString('base64');
  const response = await fetch(introspectionEndpoint, {
    method: 'POST',
    headers: { authorization: `Basic ${credentials}` },
    body: new URLSearchParams({ token, token_type_hint: 'access_token' }),
  });
  if (!response.ok) throw new Error(`introspection answered ${response.status}`);
  return introspectionAnswer.parse(await response.json());
}
