import type { MemoryBudgetLimits } from '../../src/async/memory-budget.ts';
import { createLogger } from '../../src/logging/logger.ts';
import { storeResult } from '../../src/results/result-store.ts';
import { createStoredResults } from '../../src/steps/stored-results.ts';
import { createHttpFixture, type HttpFixture, registerServer } from './http-fixture.ts';

/** The HTTP API with stored results that are real. The steps that have them are in memory. */
export async function createStoredResultsFixture(results: Partial<MemoryBudgetLimits>): Promise<HttpFixture> {
  const fixture = await createHttpFixture({ http: { results } });
  await registerServer(fixture, 'notes');
  const { steps, pool: db, vault } = fixture;
  const stored = createStoredResults({ db, vault, logger: createLogger({ level: 'silent' }) });
  const { get, show, waitForChange, start } = steps;
  Object.assign(steps, {
    get: async (key) => stored.read(key, await get(key)),
    waitForChange: async (wait) => stored.read(wait, await waitForChange(wait)),
    async show(key) {
      const shown = await show(key);
      return shown && { ...shown, step: await stored.readSmall(key, shown.step, key.maxStoredBytes) };
    },
    async start(input, reading) {
      const outcome = await start(input);
      if (outcome.kind === 'conflict') return outcome;
      return { ...outcome, step: await stored.read({ ...input, ...reading }, outcome.step) };
    },
  } satisfies Partial<HttpFixture['steps']>);
  return fixture;
}

/** What starts a step, and finds it again. */
export function stepRequest(stepId: string) {
  return { mcpServerId: 'notes', tool: 'report', stepId };
}

/** Starts a step of this user and ends it with a stored result of about this size. Returns its id. */
export async function endWith(
  { ask, steps, pool: db, vault }: HttpFixture,
  user: string,
  bytes: number,
): Promise<string> {
  const stepId = `${user}-${bytes}`;
  await ask({ method: 'POST', url: '/steps', payload: stepRequest(stepId), user });
  const json = Buffer.from(JSON.stringify({ content: [{ type: 'text', text: 'x'.repeat(bytes) }] }));
  const owner = { userId: user, mcpServerId: 'notes', workflowId: stepId };
  const stored = await storeResult({ db, vault }, owner, json);
  steps.change(user, stepId, { status: 'success', result: { content: [], stored } });
  return stepId;
}
