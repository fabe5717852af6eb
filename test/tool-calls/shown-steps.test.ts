import { describe, expect } from 'vitest';
import { createStepClient, type StepClient } from '../../src/steps/step-client.ts';
import { testInWorld } from '../support/fixtures.ts';
import { INVOICE, type World } from '../support/world.ts';

// What the page of a step reads. The page itself: test/http/step-page.test.ts.

const test = testInWorld();

const MAX_STORED_BYTES = 1_100_000;

function clientOf({ services, temporal, config }: World): StepClient {
  return createStepClient({
    client: temporal.client,
    taskQueue: config.taskQueue,
    storedResults: services,
  });
}

async function connectedUser(world: World): Promise<string> {
  const user = world.users.newUser();
  await world.users.connect(user);
  return user;
}

describe('a shown step', () => {
  test('has the arguments that the tool was called with', async ({ world }) => {
    const client = clientOf(world);
    const userId = await connectedUser(world);
    const show = (stepId: string) => client.show({ userId, stepId, maxStoredBytes: 0 });

    const { stepId } = await world.steps.start(userId, { mode: 'automated-with-confirmation' });
    await world.steps.until(userId, stepId, 'awaiting-input');
    expect(await show(stepId)).toMatchObject({ isAnswered: true, arguments: INVOICE });

    const edited = { ...INVOICE, amount: 41 };
    await client.approve({ userId, stepId, message: { arguments: edited }, by: userId });
    await world.steps.until(userId, stepId, 'success');
    expect((await show(stepId))?.arguments).toEqual(edited);

    const unedited = await world.steps.start(userId);
    await world.steps.until(userId, unedited.stepId, 'success');
    expect((await show(unedited.stepId))?.arguments).toEqual(INVOICE);
  });

  test.for([
    ['read where it is small', 200_000, 'x'.repeat(200_000)],
    ['a reference where it is large', 1_200_000, undefined],
  ] as const)('has a stored result: %s', async ([, bytes, text], { world }) => {
    const userId = await connectedUser(world);
    const { stepId } = await world.steps.start(userId, { tool: 'large_report', arguments: { bytes } });
    const stored = (await world.steps.until(userId, stepId, 'success')).result?.stored;
    expect(stored).toMatchObject({ bytes: expect.any(Number) });

    const shown = await clientOf(world).show({ userId, stepId, maxStoredBytes: MAX_STORED_BYTES });

    const expected = text === undefined ? { content: [], stored } : { content: [{ type: 'text', text }] };
    expect(shown?.step.result).toEqual(expected);
  });

  test("does not exist for another user's step", async ({ world }) => {
    const userId = await connectedUser(world);
    const { stepId } = await world.steps.start(userId);
    const key = { userId: world.users.newUser(), stepId, maxStoredBytes: 0 };
    expect(await clientOf(world).show(key)).toBeUndefined();
  });
});
