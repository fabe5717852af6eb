import { expect } from 'vitest';
import type { ToolCall } from '../../src/agents/tool-caller.ts';
import { completed } from '../workflows/outcomes.ts';
import { held } from '../workflows/scripted-activities.ts';
import { childrenOf, testWithAgents } from './agent-steps.ts';

const test = testWithAgents({ maxCachedWorkflows: 10 });

const CALL: ToolCall = { mcpServerId: 'ledger', tool: 'create_invoice', arguments: { customer: 'ACME' } };

// The SDK runs the workflows of a worker in one V8 context and swaps what they may change. The count of an agent's
// children relies on that: see `src/agents/step-ids.ts`.
test('agents that one worker keeps, and whose calls alternate, count their steps apart', async ({
  agents,
}) => {
  const both = await Promise.all(
    [0, 1].map(async () => {
      const calls = [held(completed), held(completed)];
      const { userId } = agents.user({ invokeTool: calls });
      const options = { userId, taskQueue: agents.taskQueue };
      return { calls, agent: await agents.start('callingAgent', options, [[CALL], [CALL]]) };
    }),
  );
  for (const turn of [0, 1]) {
    for (const { calls } of both) await calls[turn]?.reached;
    for (const { calls } of both) calls[turn]?.release();
  }

  for (const { agent } of both) {
    await agent.result();
    const numbers = (await childrenOf(agent, 2)).map((id) => id.split('.').at(-1));
    expect(numbers).toEqual(['1', '2']);
  }
});
