/** The example of the OpenAI Agents SDK, from the tarball, with a scripted model in place of OpenAI's. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AgentWorld, createAgentWorld } from './support/agent-world.ts';
import { pausedStep, playBookkeeper } from './support/bookkeeper-story.ts';
import { PACK_MS, type PackedProject, packProject } from './support/packed-project.ts';
import { writePageCode } from './support/page-code.ts';

const exec = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The newest version whose types were tried. `@temporalio/openai-agents` 1.23 does not pair with it. */
const NEWEST = '0.20.0';

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
});

test(
  'the MCP server has the types of the newest version of the framework',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'latchkey-newest-openai-agents-'));
    try {
      await writeFile(join(folder, 'package.json'), '{}');
      const packages = [`@openai/agents-core@${NEWEST}`, 'zod@4'];
      await exec('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', ...packages], {
        cwd: folder,
      });
      const types = join(folder, 'node_modules/@openai/agents-core/dist/index.d.ts');
      const compilerOptions = {
        typeRoots: [join(ROOT, 'node_modules/@types')],
        paths: { '@openai/agents-core': [types] },
      };
      const project = join(folder, 'tsconfig.json');
      const files = [join(ROOT, 'src/openai-agents.ts')];
      await writeFile(
        project,
        JSON.stringify({ extends: join(ROOT, 'tsconfig.json'), compilerOptions, include: [], files }),
      );
      const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');

      const { stdout } = await exec(process.execPath, [tsc, '-p', project, '--listFiles']);

      expect(stdout).toContain(types);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
  PACK_MS,
);
