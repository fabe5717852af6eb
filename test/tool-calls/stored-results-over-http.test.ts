import { expect } from 'vitest';
import type { StepView } from '../../src/contracts/step.ts';
import { deleteOldResults } from '../../src/results/result-store.ts';
import { testInWorld } from '../support/fixtures.ts';
import type { World } from '../support/world.ts';

const test = testInWorld();

/** Over what Temporal takes as one payload. */
const BYTES = 3_000_000;

async function largeReport(world: World): Promise<{ user: string; step: StepView }> {
  const user = world.users.newUser();
  await world.users.connect(user);
  const started = await world.steps.start(user, { tool: 'large_report', arguments: { bytes: BYTES } });
  return { user, step: await world.steps.until(user, started.stepId, 'success') };
}

test('a large result is returned in full, at once and by a long poll, and is not in Temporal', async ({
  world,
  api,
}) => {
  const { user, step } = await largeReport(world);
  const result = { content: [{ type: 'text', text: 'x'.repeat(BYTES) }] };
  expect(step.result).toMatchObject({ content: [], stored: { bytes: expect.any(Number) } });

  for (const query of ['', '?wait=5s']) {
    const { body } = await api.ask(user, `GET /steps/${step.stepId}${query}`);
    expect(body).toMatchObject({ status: 'success', result });
    expect(body).not.toHaveProperty('result.stored');
  }
  const again = { mcpServerId: world.mcpServerId, tool: 'large_report', arguments: { bytes: BYTES } };
  const repeated = await api.ask(user, 'POST /steps', { ...again, stepId: step.stepId });
  expect(repeated).toMatchObject({ status: 200, body: { result } });
  const { body } = await api.ask(user, 'GET /steps');
  expect(body).not.toHaveProperty('steps.0.result');
});

test('a result past its retention is reported as gone, and the step keeps its status', async ({
  world,
  api,
}) => {
  const { user, step } = await largeReport(world);
  await world.services.db.query("UPDATE mcp_stored_result SET stored_at = now() - interval '40 days'");
  await deleteOldResults(world.services.db, 30);

  const { status, body } = await api.ask(user, `GET /steps/${step.stepId}`);

  expect(status).toBe(200);
  expect(body).toMatchObject({
    status: 'success',
    result: { content: [], warnings: [expect.stringContaining('retention')], stored: step.result?.stored },
  });
});
