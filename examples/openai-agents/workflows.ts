import { Agent } from '@openai/agents-core';
import { TemporalOpenAIRunner } from '@temporalio/openai-agents/workflow';
import { type AgentOptions, latchkeyMcpServer } from 'latchkey/openai-agents';

export interface BookkeeperTask {
  /** On whose behalf the tools are called. */
  userId: string;
  prompt: string;
  /** Default `gpt-5-mini`. */
  model?: string;
  /** Of Latchkey's workers. Default `mcp-steps`. */
  taskQueue?: string;
}

/** Keeps a user's books with the tools of two servers. No invoice is written before its user has approved it. */
export async function bookkeeper(task: BookkeeperTask): Promise<string> {
  const { userId, prompt, model = 'gpt-5-mini', taskQueue = 'mcp-steps' } = task;
  const options: AgentOptions = {
    userId,
    taskQueue,
    modes: { default: 'fully-automated', tools: { create_invoice: 'automated-with-confirmation' } },
  };
  const agent = new Agent({
    name: 'Bookkeeper',
    instructions: 'You keep the books of a small company.',
    model,
    // Listing the tools waits until the user has connected both servers.
    mcpServers: [
      latchkeyMcpServer({ ...options, mcpServerId: 'ledger' }),
      latchkeyMcpServer({ ...options, mcpServerId: 'mail' }),
    ],
    // Both servers may have a tool of the same name.
    mcpConfig: { includeServerInToolNames: true },
  });
  const result = await new TemporalOpenAIRunner().run(agent, prompt);
  return result.finalOutput ?? '';
}
