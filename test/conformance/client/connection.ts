import { obstacleOfRefusal } from '../../../src/activities/obstacle.ts';
import type { CredentialKey, Obstacle } from '../../../src/contracts/activities.ts';
import { type ReadyAccess, readAccess } from '../../../src/credentials/access.ts';
import { markTokenRejected } from '../../../src/credentials/refresh/refusal-store.ts';
import { registerWaiter, removeWaiter } from '../../../src/credentials/waiters/waiter-store.ts';
import { mcpTarget } from '../../../src/mcp/mcp-target.ts';
import type { CallToolOutcome, ListToolsOutcome, McpTarget } from '../../../src/mcp/port.ts';
import { connectMachine } from './connect-machine.ts';
import { connectUser } from './connect-user.ts';
import { FlowEnded } from './flow-ended.ts';
import type { Scenario } from './scenario.ts';
import type { World } from './world.ts';

type RequestOutcome = ListToolsOutcome | CallToolOutcome;

/** One user's connection to the server. */
export interface Connection {
  /**
   * Makes a request with the stored credential, and repeats it after each consent that it needs, as a step does.
   *
   * @throws FlowEnded where the user can't connect
   */
  use<T extends RequestOutcome>(request: (target: McpTarget) => Promise<T>): Promise<T>;
}

export function createConnection(world: World, scenario: Scenario, key: CredentialKey): Connection {
  const isForMachine = scenario.name.startsWith('auth/client-credentials-');
  const connect = () => (isForMachine ? connectMachine : connectUser)(world, key, scenario);

  async function readyAccess(): Promise<ReadyAccess> {
    const stored = await readAccess(world, key);
    if (stored.kind === 'reauth-required') await connect();
    const access = stored.kind === 'reauth-required' ? await readAccess(world, key) : stored;
    if (access.kind !== 'ready') throw new FlowEnded(`the credential: ${JSON.stringify(access)}`);
    return access;
  }

  return {
    async use(request) {
      const reasons = new Set<string>();
      for (;;) {
        const access = await readyAccess();
        const outcome = await request(mcpTarget(key, access));
        if (outcome.kind !== 'unauthorized' && outcome.kind !== 'insufficient-scope') return outcome;
        const obstacle = await obstacleOfRefusal(outcome, access);
        // As a step does: asks once for a new token, and once for each set of scopes.
        const reason = reasonOf(obstacle);
        if (obstacle.kind === 'failed' || reasons.has(reason)) return outcome;
        reasons.add(reason);
        await pause(world, key, obstacle);
        await connect();
        await removeWaiter(world.db, workflowIdOf(key), key);
      }
    },
  };
}

function reasonOf(obstacle: Obstacle): string {
  return obstacle.kind === 'insufficient-scope'
    ? obstacle.requiredScopes.toSorted().join(' ')
    : obstacle.kind;
}

/** Writes to the database what the pause of a step writes there. */
async function pause({ db }: World, key: CredentialKey, obstacle: Obstacle): Promise<void> {
  if (obstacle.kind === 'unauthorized') await markTokenRejected(db, key, obstacle.seen);
  if (obstacle.kind !== 'insufficient-scope') return;
  const { requiredScopes, seen } = obstacle;
  const step = { workflowId: workflowIdOf(key), stepId: 'conformance' };
  await registerWaiter(db, { ...key, ...step, seenVersion: seen.credentialVersion, requiredScopes });
}

// The scenarios share the database.
function workflowIdOf({ mcpServerId }: CredentialKey): string {
  return `step/conformance/${mcpServerId}`;
}
