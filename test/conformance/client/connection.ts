import type { CallToolOutcome, ListToolsOutcome, McpTarget } from '../../../src/mcp/port.ts';
import { type ConsentNeeded, createAuthorization } from './authorization.ts';
import type { World } from './world.ts';

type RequestOutcome = ListToolsOutcome | CallToolOutcome;

/** The user's connection to the server: keeps the token, and asks for consent where the server does. */
export interface Connection {
  /** Makes a request, and repeats it after each consent that it needs. */
  use<T extends RequestOutcome>(request: (target: McpTarget) => Promise<T>): Promise<T>;
}

export function createConnection(world: World): Connection {
  const authorize = createAuthorization(world);
  let bearerToken: string | undefined;
  let requestedScopes: readonly string[] = [];
  let credentialVersion = 0;

  async function consent(needed: ConsentNeeded): Promise<void> {
    const granted = await authorize(needed);
    bearerToken = granted.accessToken;
    requestedScopes = granted.requestedScopes;
    credentialVersion += 1;
  }

  return {
    async use(request) {
      const asked = new Set<string>();
      for (;;) {
        const outcome = await request(targetOf(world, bearerToken, credentialVersion));
        const needed = consentNeeded(outcome, requestedScopes);
        // As in a step: consent once for a token, and once for each set of scopes.
        const reason = JSON.stringify(needed?.requiredScopes);
        if (needed === undefined || asked.has(reason)) return outcome;
        asked.add(reason);
        await consent(needed);
      }
    },
  };
}

function targetOf(
  { scenario }: World,
  bearerToken: string | undefined,
  credentialVersion: number,
): McpTarget {
  return {
    mcpServerId: 'conformance',
    userId: 'conformance',
    registrationVersion: 1,
    credentialVersion,
    url: scenario.url,
    headers: {},
    maxResultBytes: 1024 * 1024,
    ...(bearerToken !== undefined && { bearerToken }),
  };
}

// As with a step, all that is known of a 401 is that consent is needed. The flow asks the server itself.

function consentNeeded(
  outcome: RequestOutcome,
  requestedScopes: readonly string[],
): ConsentNeeded | undefined {
  if (outcome.kind === 'unauthorized') return {};
  if (outcome.kind !== 'insufficient-scope') return undefined;
  return { requiredScopes: [...new Set([...requestedScopes, ...outcome.challengedScopes])].sort() };
}
