import { expect } from 'vitest';
import { readResult, storeResult } from '../../src/results/result-store.ts';
import { testInWorld } from '../support/fixtures.ts';

const test = testInWorld();

test('a stored result is deleted when its retention is over, and not before', async ({ world }) => {
  const userId = world.users.newUser();
  const ofAge = async (days: number) => {
    const owner = { userId, mcpServerId: world.mcpServerId, workflowId: `step/${userId}/${days}` };
    const { id } = await storeResult(world.services, owner, Buffer.from(JSON.stringify({ content: [] })));
    await world.services.db.query(
      'UPDATE mcp_stored_result SET stored_at = now() - make_interval(days => $2) WHERE id = $1',
      [id, days],
    );
    return id;
  };
  const [kept, expired] = [await ofAge(29), await ofAge(31)];

  await world.temporal.client.workflow.execute('reconcile', {
    taskQueue: world.config.taskQueue,
    workflowId: `reconcile-${userId}`,
    args: [],
  });

  await expect(readResult(world.services, userId, kept)).resolves.toMatchObject({ kind: 'found' });
  await expect(readResult(world.services, userId, expired)).resolves.toEqual({ kind: 'gone' });
});
