import { randomUUID } from 'node:crypto';
import { expect, onTestFinished } from 'vitest';
import { startTestApi } from '../support/api.ts';
import { testInWorld } from '../support/fixtures.ts';

const test = testInWorld({ withoutWorker: true });

const REQUEST = { mcpServerId: 'ledger', tool: 'create_invoice', arguments: {} };

test.for([
  ['GET /steps', undefined],
  ['GET /steps?status=running', undefined],
  ['GET /steps/s', undefined],
  ['GET /steps/s?wait=1s', undefined],
  ['DELETE /steps/s', undefined],
  ['POST /steps', { ...REQUEST, stepId: 's' }],
  ['POST /steps/s/approve', {}],
] as const)('%s answers 503 in a namespace that does not exist', async ([request, body], { world }) => {
  const temporal = { ...world.config.temporal, namespace: `none-${randomUUID()}` };
  const lost = await startTestApi({ ...world, config: { ...world.config, temporal } });
  onTestFinished(lost.stop);

  const answer = await lost.ask('alice', request, body);

  expect(answer).toMatchObject({ status: 503, body: { code: 'temporal-unavailable' } });
});
