import { decodeOptionalFailureToOptionalError } from '@temporalio/common/lib/internal-non-workflow/index.js';
import { vi } from 'vitest';
import type { StepView } from '../../src/contracts/step.ts';
import { listConnections } from '../../src/credentials/credential-store.ts';
import type { World } from '../support/world.ts';

/** A user whose access token has run out, by the database's clock, and is renewed at that token endpoint. */
export async function connectExpired(
  world: World,
  tokenEndpoint: string,
  mcpServerId = world.mcpServerId,
): Promise<string> {
  const user = world.users.newUser();
  const consent = await world.users.consent(user, { mcpServerId });
  await world.users.deposit(user, { ...consent, tokenEndpoint, expiresIn: 0 });
  return user;
}

/** Why the step's renewal was put off last, in the words of the failure that Temporal keeps of it. */
export async function untilPutOff(world: World, { workflowId }: StepView): Promise<string> {
  const handle = world.temporal.client.workflow.getHandle(workflowId);
  const lastFailure = async () => {
    const { raw } = await handle.describe();
    const renewal = raw.pendingActivities?.find(({ activityType }) => activityType?.name === 'refreshToken');
    const { loadedDataConverter } = world.temporal.client.options;
    const failure = await decodeOptionalFailureToOptionalError(loadedDataConverter, renewal?.lastFailure);
    const message = failure?.message;
    if (!message) throw new Error('no renewal of the step has failed yet');
    return message;
  };
  return vi.waitFor(lastFailure, { timeout: 30_000, interval: 200 });
}

/** What a user sees of a server, and of a step. */
export async function userView(world: World, user: string, { stepId }: StepView) {
  const [connection] = await listConnections(world.services.db, user);
  const step = await world.steps.get(user, stepId);
  return { connection: connection?.state, step: step?.status, waiting: await world.steps.waiting(user) };
}

/** What happened to a step, in the words of its timeline. */
export async function eventsOf(world: World, user: string, { stepId }: StepView): Promise<string[]> {
  const { timeline } = await world.steps.reported(user, stepId);
  return timeline.map(({ event }) => event);
}

export function refreshes(world: World, user: string) {
  return world.authorizationServer.stats.tokenGrants('refresh_token', { accountId: user });
}
