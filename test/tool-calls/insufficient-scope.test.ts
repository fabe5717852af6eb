import { describe, expect } from 'vitest';
import type { StepView } from '../../src/contracts/step.ts';
import { testInWorld } from '../support/fixtures.ts';
import { httpStatus } from '../support/scripted-mcp-server.ts';
import { PUBLIC_URL, type World } from '../support/world.ts';

const EXPORT = { tool: 'export_ledger', arguments: {} };
const FORBIDDEN = { status: 'error', error: { code: 'forbidden' } };

const test = testInWorld();

describe('a tool that asks for more scope than was consented to', () => {
  test('pauses its step: consent must cover what was granted and what is challenged', async ({ world }) => {
    const { user, step } = await startExport(world);

    expect(step).toMatchObject({
      awaitingInputReason: 'needs-oauth-scope',
      requiredScopes: ['mcp:tools', 'ledger:export'],
      connectUrl: `${PUBLIC_URL}/connect/${world.mcpServerId}?step=${step.stepId}`,
    });
    expect(await world.steps.waiting(user)).toEqual([step.stepId]);
    expect(world.mcpServer.calls({ user })).toEqual([]);
  });

  test('is called as soon as a credential of that scope is deposited', async ({ world }) => {
    const { user, step } = await startExport(world);

    const { resuming } = await world.users.connect(user, { scope: step.requiredScopes?.join(' ') ?? '' });

    expect(resuming).toBe(1);
    await expect(world.steps.result(step)).resolves.toMatchObject({ status: 'success' });
    expect(world.mcpServer.calls({ user })).toHaveLength(1);
    expect(await world.steps.waiting(user)).toEqual([]);
  });

  test('is forbidden when it asks for the same scope again after a deposit', async ({ world }) => {
    const { user, step } = await startExport(world);

    await world.users.connect(user, { scope: 'mcp:tools' });

    await expect(world.steps.result(step)).resolves.toMatchObject(FORBIDDEN);
    expect(world.mcpServer.calls({ user })).toEqual([]);
    const { timeline } = await world.steps.until(user, step.stepId, 'error');
    expect(timeline.filter(({ event }) => event === 'awaiting-input')).toHaveLength(1);
  });

  test('does not block the user’s other tools', async ({ world }) => {
    const { user } = await startExport(world);

    await expect(world.steps.result(await world.steps.start(user))).resolves.toMatchObject({
      status: 'success',
    });
  });
});

describe('a 403 that asks for nothing', () => {
  test.for([
    ['without a challenge', {}],
    ['with a challenge of another kind', { 'www-authenticate': 'Bearer error="invalid_token"' }],
    [
      'that only speaks of it',
      { 'www-authenticate': 'Bearer error="x", error_description="insufficient_scope"' },
    ],
  ] as const)('%s is forbidden at once', async ([_, headers], { world, scripted }) => {
    const { server, mcpServerId } = await scripted.register();
    server.on('tools/call', httpStatus(403, headers));
    const user = world.users.newUser();
    const { stepId } = await world.steps.start(user, { mcpServerId, tool: 'echo' });

    const step = await world.steps.until(user, stepId, 'error');

    expect(step).toMatchObject(FORBIDDEN);
    expect(step.timeline.map(({ event }) => event)).toEqual(['started', 'finished']);
    expect(server.count('tools/call')).toBe(1);
  });
});

/** A step that waits for more scope than its user has. */
async function startExport(world: World): Promise<{ user: string; step: StepView }> {
  const user = world.users.newUser();
  await world.users.connect(user, { scope: 'mcp:tools' });
  const { stepId } = await world.steps.start(user, EXPORT);
  return { user, step: await world.steps.until(user, stepId, 'awaiting-input') };
}
