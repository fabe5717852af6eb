/** The workflow of a test that runs where Temporal's plugin is installed: a list of servers, with tool filters. */
import { Agent, MCPServers } from '@openai/agents-core';
import { TemporalOpenAIRunner } from '@temporalio/openai-agents/workflow';
import { condition, defineSignal, setHandler } from '@temporalio/workflow';
import { latchkeyMcpServer } from 'latchkey/openai-agents';

export interface ClerkTask {
  userId: string;
  /** Of Latchkey's workers. */
  taskQueue: string;
  /** The models of the first agent, and of the one that goes on when the user has connected the ledger. */
  models: [string, string];
}

/** Two agents share a list of servers. The second one begins at the signal `connected`. Returns what both say. */
export async function clerk({ userId, taskQueue, models }: ClerkTask): Promise<string[]> {
  let isConnected = false;
  setHandler(defineSignal('connected'), () => {
    isConnected = true;
  });
  const options = { userId, taskQueue, onPause: 'return' as const };
  const servers = await MCPServers.open(
    [
      latchkeyMcpServer({
        ...options,
        mcpServerId: 'ledger',
        toolFilter: {
          allowedToolNames: ['list_invoices', 'create_invoice'],
          blockedToolNames: ['create_invoice'],
        },
      }),
      latchkeyMcpServer({
        ...options,
        mcpServerId: 'mail',
        toolFilter: async ({ agent, serverName }, { name }) =>
          agent.name === 'Clerk' && serverName === 'mail' && name.startsWith('send'),
      }),
    ],
    { connectInParallel: true },
  );
  const said: string[] = [];
  for (const model of models) {
    const agent = new Agent({
      name: 'Clerk',
      model,
      mcpServers: servers.active,
      mcpConfig: { includeServerInToolNames: true },
    });
    const { finalOutput } = await new TemporalOpenAIRunner().run(agent, 'What is open?');
    said.push(finalOutput ?? '');
    await condition(() => isConnected);
  }
  await servers.close();
  return said;
}
