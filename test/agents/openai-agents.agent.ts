/** The example of the OpenAI Agents SDK, from the tarball, with a scripted model in place of OpenAI's. */
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type AgentWorld, createAgentWorld } from './support/agent-world.ts';
import { pausedStep, playBookkeeper } from './support/bookkeeper-story.ts';
import { installNewestFramework, type NewestFramework } from './support/newest-framework.ts';
import { PACK_MS, type PackedProject, packProject } from './support/packed-project.ts';
import { writePageCode } from './support/page-code.ts';

const CLERK = fileURLToPath(new URL('./clerk', import.meta.url));

describe('the example examples/openai-agents', () => {
  let agents: AgentWorld;
  let project: PackedProject;
  let newest: NewestFramework;

  beforeAll(async () => {
    agents = await createAgentWorld();
    [project, newest] = await Promise.all([packProject('openai-agents'), installNewestFramework()]);
    await cp(CLERK, project.folder, { recursive: true });
  }, PACK_MS);

  afterAll(async () => {
    await Promise.all([project?.remove(), newest?.remove()]);
    await agents?.stop();
  });

  test('runs each tool once, for a user who had connected nothing, though workers die', async () => {
    await playBookkeeper(agents, {
      project,
      createInvoice: 'mcp_ledger__create_invoice',
      sendMessage: 'mcp_mail__send_message',
    });
  });

  test('ends with its step when it is cancelled, and asks the model nothing more', async () => {
    const user = agents.world.users.newUser();
    const MODEL = 'scripted-cancelled';
    const call = { tool: 'mcp_ledger__create_invoice', arguments: { customer: 'ACME', amount: 42 } };
    agents.models.script(MODEL, [{ call: [call] }, { say: 'It goes on.' }]);
    await agents.connect(user, 'ledger');
    await agents.connect(user, 'mail');
    await agents.startWorker();
    const worker = project.start('worker.ts', agents.environment);
    const client = project.start('start.ts', { ...agents.environment, MODEL }, user);
    const [workflowId = ''] = (await client.nextLine()).split(' ');
    const step = await pausedStep(agents, user, 'needs-approval');
    const { workflow } = agents.world.temporal.client;

    await workflow.getHandle(workflowId).cancel();

    await expect(workflow.getHandle(workflowId).result()).rejects.toThrow();
    expect((await workflow.getHandle(workflowId).describe()).status.name).toBe('CANCELLED');
    expect((await workflow.getHandle(step.workflowId).describe()).status.name).toBe('CANCELLED');
    expect(agents.models.requests(MODEL)).toHaveLength(1);
    expect(agents.servers.ledger.calls({ user })).toEqual([]);
    await Promise.all([worker.kill(), client.kill()]);
  });

  test('has the types of the version that the plugin pairs with, and so has the code of the page', async () => {
    await writePageCode('OpenAI Agents SDK', project.folder);
    expect(await project.checkTypes()).toBe('');
  });

  // The plugin's activities keep the version that it pairs with: only the workflow has the adapter.
  test('gives a list of servers with filters to agents of the paired version and of the newest', async () => {
    const paired = join(project.folder, 'node_modules/@openai/agents-core/dist/index.js');
    const copies = ['paired', paired, 'newest', newest.entry];
    const worker = project.start('clerk-worker.ts', agents.environment, ...copies);
    await agents.startWorker();
    await Promise.all(['paired', 'newest'].map((version) => playClerk(agents, version)));
    await worker.kill();
  });

  test('has the types of the newest version of the framework in the MCP server', async () => {
    expect(await newest.checkTypes()).toContain(newest.types);
  });
});

/** An agent's workflow begins before its user has connected the ledger, and goes on when that is done. */
async function playClerk(agents: AgentWorld, version: string): Promise<void> {
  const user = agents.world.users.newUser();
  const models = [`clerk-${version}-1`, `clerk-${version}-2`] as const;
  agents.models.script(models[0], [
    { call: [{ tool: 'mcp_ledger__connect_ledger' }] },
    { say: 'Open the link.' },
  ]);
  agents.models.script(models[1], [
    { call: [{ tool: 'mcp_ledger__list_invoices' }] },
    { say: 'Nothing is open.' },
  ]);
  await agents.connect(user, 'mail');
  const clerk = await agents.world.temporal.client.workflow.start('clerk', {
    taskQueue: version,
    workflowId: `clerk-${version}-${user}`,
    args: [{ userId: user, taskQueue: agents.world.config.taskQueue, models }],
  });
  await vi.waitFor(() => expect(agents.models.requests(models[0])).toHaveLength(2), {
    timeout: 150_000,
    interval: 200,
  });
  await agents.connect(user, 'ledger');
  await clerk.signal('connected');

  expect(await clerk.result()).toEqual(['Open the link.', 'Nothing is open.']);
  const [before, after] = ['mcp_ledger__connect_ledger', 'mcp_ledger__list_invoices'];
  expect(toolsOf(agents, models[0])).toEqual(Array(2).fill([before, 'mcp_mail__send_message']));
  expect(toolsOf(agents, models[1])).toEqual(Array(2).fill([after, 'mcp_mail__send_message']));
  const outputs = models.map((model) => JSON.stringify(agents.models.requests(model).at(-1)?.outputs));
  expect(outputs).toEqual([
    expect.stringMatching(/Give the user this link: https?:\/\/\S+ledger/),
    expect.stringContaining('0 invoices'),
  ]);
}

function toolsOf(agents: AgentWorld, model: string): string[][] {
  return agents.models.requests(model).map(({ tools }) => tools.map(({ name }) => name));
}
