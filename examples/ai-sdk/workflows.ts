import { temporalProvider } from '@temporalio/ai-sdk/workflow';
import { ToolLoopAgent } from 'ai';
import { latchkeyTools } from 'latchkey/ai-sdk';

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
export async function bookkeeper({
  userId,
  prompt,
  model = 'gpt-5-mini',
  taskQueue = 'mcp-steps',
}: BookkeeperTask): Promise<string> {
  // Waits until the user has connected both servers, so that the agent begins only when it can finish.
  const tools = await latchkeyTools({
    userId,
    servers: [{ mcpServerId: 'ledger' }, { mcpServerId: 'mail' }],
    modes: { default: 'fully-automated', tools: { create_invoice: 'automated-with-confirmation' } },
    taskQueue,
  });
  const agent = new ToolLoopAgent({
    model: temporalProvider.languageModel(model),
    instructions: 'You keep the books of a small company.',
    tools,
  });
  const { text } = await agent.generate({ prompt });
  return text;
}
