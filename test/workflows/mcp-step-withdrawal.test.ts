import { describe, expect } from 'vitest';
import { withdraw } from '../../src/contracts/messages.ts';
import { startChild } from '../replay/parent-stories.ts';
import { testWithTimeSkipping } from './fixtures.ts';
import { reauthRequired, seen } from './outcomes.ts';

const test = testWithTimeSkipping();

// Parents that know of withdrawals: test/agents/agent-calls.test.ts.
describe('a withdrawn step whose parent does not cancel it', () => {
  test('ends by itself after a minute, and makes no call then', async ({ steps }) => {
    const step = await startChild(steps, { invokeTool: [reauthRequired(seen(1))] }, 'deafParent');
    await step.until('awaiting-input');

    await step.handle.signal(withdraw);
    expect(await step.until('cancelled')).toMatchObject({ status: 'cancelled' });
    expect((await step.handle.describe()).status.name).toBe('RUNNING');
    await step.deposit(2);
    await steps.sleep(61_000);

    expect(await step.closed()).toBe('FAILED');
    const { timeline } = await step.view();
    expect(timeline.at(-1)).toMatchObject({ event: 'cancelled' });
    expect(step.play.inputs('invokeTool')).toHaveLength(1);
  });
});
