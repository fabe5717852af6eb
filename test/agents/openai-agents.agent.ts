/** The example of the OpenAI Agents SDK, from the tarball, with a scripted model in place of OpenAI's. */
import { afterAll, beforeAll, describe, test } from 'vitest';
import { type AgentWorld, createAgentWorld } from './support/agent-world.ts';
import { playBookkeeper } from './support/bookkeeper-story.ts';
import { PACK_MS, type PackedProject, packProject } from './support/packed-project.ts';

describe('the example examples/openai-agents', () => {
  let agents: AgentWorld;
  let project: PackedProject;

  beforeAll(async () => {
    agents = await createAgentWorld();
    project = await packProject('openai-agents');
  }, PACK_MS);

  afterAll(async () => {
    await project?.remove();
    await agents?.stop();
  });

  test('runs each tool once, for a user who had connected nothing, though workers die', async () => {
    await playBookkeeper(agents, {
      project,
      createInvoice: 'mcp_ledger__create_invoice',
      sendMessage: 'mcp_mail__send_message',
    });
  });
});
