/** The example of the AI SDK, from the tarball and on Node 22, with a scripted model in place of OpenAI's. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nodeProgram } from '../support/node-program.ts';
import { type AgentWorld, createAgentWorld } from './support/agent-world.ts';
import { pausedStep, playBookkeeper } from './support/bookkeeper-story.ts';
import { PACK_MS, type PackedProject, packProject } from './support/packed-project.ts';
import { writePageCode } from './support/page-code.ts';

// `@temporalio/ai-sdk` and `ai` 7 need it.
const node = await nodeProgram(22);
const isMissing = node.kind === 'missing';

// On CI it fails instead, in beforeAll.
describe.skipIf(isMissing && process.env.CI !== 'true')(
  isMissing ? `the example examples/ai-sdk (${node.what})` : 'the example examples/ai-sdk',
  () => {
    let agents: AgentWorld;
    let project: PackedProject;

    beforeAll(async () => {
      if (node.kind === 'missing') throw new Error(node.what);
      agents = await createAgentWorld();
      project = await packProject('ai-sdk', node.path);
    }, PACK_MS);

    afterAll(async () => {
      await project?.remove();
      await agents?.stop();
    });

    test('is typed by the packages that it is installed with, and so is the code of the page', async () => {
      await writePageCode('AI SDK', project.folder);
      expect(await project.checkTypes()).toBe('');
    });

    test('runs each tool once, for a user who had connected nothing, though workers die', async () => {
      await playBookkeeper(agents, {
        project,
        createInvoice: 'ledger_create_invoice',
        sendMessage: 'mail_send_message',
      });
    });

    test('ends its step and asks the model nothing more if it is cancelled', async () => {
      const [user, MODEL] = [agents.world.users.newUser(), 'scripted-cancelled'];
      agents.models.script(MODEL, [
        { call: [{ tool: 'ledger_create_invoice', arguments: { customer: 'ACME', amount: 42 } }] },
        { say: 'I go on.' },
      ]);
      await Promise.all([agents.connect(user, 'ledger'), agents.connect(user, 'mail')]);
      await agents.startWorker();
      project.start('worker.ts', agents.environment);
      const client = project.start('start.ts', { ...agents.environment, MODEL }, user, 'Invoice ACME.');
      const [workflowId = ''] = (await client.nextLine()).split(' ');
      const { stepId } = await pausedStep(agents, user, 'needs-approval');

      const agent = agents.world.temporal.client.workflow.getHandle(workflowId);
      await agent.cancel();
      await agent.result().catch(() => undefined);

      expect((await agent.describe()).status.name).toBe('CANCELLED');
      expect(await agents.world.steps.get(user, stepId)).toMatchObject({ status: 'cancelled' });
      expect(agents.models.requests(MODEL)).toHaveLength(1);
    });
  },
);
