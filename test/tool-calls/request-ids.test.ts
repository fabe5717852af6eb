import { expect, vi } from 'vitest';
import { createLogger } from '../../src/logging/logger.ts';
import { testInWorld } from '../support/fixtures.ts';

const lines: string[] = [];

const test = testInWorld(async () => ({
  logger: createLogger({ level: 'info', destination: { write: (line) => void lines.push(line) } }),
}));

test('a step that a request starts has its id in the memo, and in the lines of its worker', async ({
  world,
  api,
}) => {
  const user = world.users.newUser();
  const stepId = 'asked-by-request';
  const answer = await fetch(`${api.url}/steps`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${await api.tokenOf(user)}`,
      'content-type': 'application/json',
      'x-request-id': 'req-4711',
    },
    body: JSON.stringify({ mcpServerId: world.mcpServerId, tool: 'list_invoices', stepId }),
  });
  expect(answer.headers.get('x-request-id')).toBe('req-4711');
  await world.steps.until(user, stepId, 'awaiting-input');

  const { workflowId } = await answer.json();
  const { memo } = await world.temporal.client.workflow.getHandle(workflowId).describe();
  expect(memo).toMatchObject({ latchkeyRequest: 'req-4711' });
  const paused = await vi.waitFor(
    () => {
      const line = lines.find((one) => one.includes('step.paused') && one.includes(stepId));
      if (line === undefined) throw new Error('the pause is not logged yet');
      return JSON.parse(line);
    },
    { timeout: 20_000 },
  );
  expect(paused).toMatchObject({ requestId: 'req-4711', stepId });
});
