import { randomUUID } from 'node:crypto';
import type { Page } from 'playwright-core';
import { vi } from 'vitest';
import { listingMemo } from '../../src/contracts/listing.ts';
import type { McpStepInput, StepView } from '../../src/contracts/step.ts';
import { MEMO_KEY } from '../../src/contracts/step-memo.ts';
import { listingWorkflowId } from '../../src/contracts/step-workflow-id.ts';
import type { TestApi } from '../support/api.ts';
import { rpcResult, type ScriptedMcpServer, startScriptedMcpServer } from '../support/scripted-mcp-server.ts';
import type { World } from '../support/world.ts';

/** Signs the browser in by a link from the API that leads to the step's page. */
export async function openStep(page: Page, api: TestApi, userId: string, stepId: string): Promise<void> {
  const { body } = await api.ask(userId, 'POST /sign-in-links', { returnTo: `/step/${stepId}` });
  // The cast trusts the contract of the API.
  await page.goto((body as { url: string }).url);
  await page.locator(`[data-step-id="${stepId}"]`).waitFor();
}

/** A step that asks for approval of an invoice. */
export async function startForApproval(
  world: World,
  step: Partial<McpStepInput> = {},
): Promise<{ user: string; stepId: string }> {
  const user = world.users.newUser();
  await world.users.connect(user);
  const { stepId } = await world.steps.start(user, { mode: 'automated-with-confirmation', ...step });
  await world.steps.until(user, stepId, 'awaiting-input');
  return { user, stepId };
}

/** A step whose call was sent and not answered. */
export async function startLost(world: World): Promise<{ user: string; stepId: string }> {
  const user = world.users.newUser();
  await world.users.connect(user);
  world.mcpServer.control.interceptTools({ do: 'drop-after-execution' }, { tool: 'create_invoice', user });
  const { stepId } = await world.steps.start(user, { sideEffects: 'unsafe' });
  await world.steps.until(user, stepId, 'awaiting-input');
  return { user, stepId };
}

/** A step whose call answers this. */
export async function startAnswered(
  world: World,
  result: object,
  step: Partial<McpStepInput> = {},
): Promise<{ user: string; step: StepView; server: ScriptedMcpServer }> {
  const server = await startScriptedMcpServer();
  server.on('tools/call', rpcResult(result));
  const mcpServerId = `scripted-${Date.now()}-${server.url.slice(-9, -4)}`;
  await world.register(mcpServerId, { url: server.url, auth: { type: 'none' } });
  const user = world.users.newUser();
  const started = await world.steps.start(user, { tool: 'echo', arguments: {}, ...step, mcpServerId });
  const ended = await world.steps.until(user, started.stepId, 'success', 'error');
  return { user, step: ended, server };
}

/** A listing of tools that waits for two servers: one without a title, and another one that is called `other`. */
export async function startListing(
  world: World,
  userId: string,
): Promise<{ listing: string; other: string }> {
  const other = 'Customers of a company with a long name';
  await world.register('crm', { url: world.mcpServer.url, title: other, auth: { type: 'oauth2' } });
  const listing = randomUUID();
  const servers = [{ mcpServerId: world.mcpServerId }, { mcpServerId: 'crm', account: 'work' }];
  const input = { userId, servers, waitUntilConnected: true, listId: listing };
  await world.temporal.client.workflow.start('mcpTools', {
    taskQueue: world.config.taskQueue,
    workflowId: listingWorkflowId(input, listing),
    args: [input],
    memo: { [MEMO_KEY]: listingMemo(userId, listing, servers) },
  });
  await world.steps.until(userId, listing, 'awaiting-input');
  return { listing, other };
}

/** Waits until a running call has reported progress. */
export async function untilProgress(world: World, user: string, stepId: string): Promise<void> {
  await vi.waitFor(
    async () => {
      const step = await world.steps.get(user, stepId);
      if (!step?.timeline.some(({ event }) => event === 'progress')) throw new Error('no progress yet');
    },
    { timeout: 20_000, interval: 100 },
  );
}

/** One red pixel. */
export const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';

/** Half a second of silence: PCM, 8 kHz, mono, 8 bits. */
export function wav(): string {
  const samples = Buffer.alloc(4_000, 128);
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE(36 + samples.length, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(8_000, 24);
  header.writeUInt32LE(8_000, 28);
  header.writeUInt16LE(1, 32);
  header.writeUInt16LE(8, 34);
  header.write('data', 36);
  header.writeUInt32LE(samples.length, 40);
  return Buffer.concat([header, samples]).toString('base64');
}

/** Texts that break pages: markup, right-to-left, without a space, beyond the first plane. */
export const HOSTILE = [
  '<script>document.title="hacked"</script><img src=x onerror=document.title="hacked">',
  '\u202eevil\u202c שלום مرحبا',
  'W'.repeat(10_000),
  '👩‍👩‍👧‍👦'.repeat(500),
].join(' ');
