import type { Page } from 'playwright-core';
import type { TestApi } from '../support/api.ts';
import type { World } from '../support/world.ts';
import {
  HOSTILE,
  openStep,
  PNG,
  startAnswered,
  startForApproval,
  startListing,
  startLost,
  untilProgress,
  wav,
} from './step-scenes.ts';

interface Scene {
  world: World;
  api: TestApi;
  page: Page;
  user: string;
}

/** The page of a step in each of its states, for every-page.browser.ts. */
export const STEP_PAGES: Record<string, (scene: Scene) => Promise<unknown>> = {
  'step-running': async ({ world, api, page, user }) => {
    await world.users.connect(user);
    const { stepId } = await world.steps.start(user, {
      title: 'Quarterly report',
      tool: 'slow_report',
      arguments: { durationMs: 600_000, steps: 300 },
    });
    await untilProgress(world, user, stepId);
    await openStep(page, api, user, stepId);
  },
  'step-needs-connection': async ({ world, api, page, user }) => {
    const { stepId } = await world.steps.start(user, { title: 'Invoice for ACME' });
    await world.steps.until(user, stepId, 'awaiting-input');
    await openStep(page, api, user, stepId);
  },
  'step-needs-scope': async ({ world, api, page, user }) => {
    await world.users.connect(user);
    const { stepId } = await world.steps.start(user, { tool: 'export_ledger', arguments: {} });
    await world.steps.until(user, stepId, 'awaiting-input');
    await openStep(page, api, user, stepId);
  },
  'step-needs-approval': async ({ world, api, page }) => {
    const { user, stepId } = await startForApproval(world, { title: 'Invoice for ACME' });
    await openStep(page, api, user, stepId);
  },
  'step-needs-approval-as-json': async ({ world, api, page }) => {
    const { user, stepId } = await startForApproval(world);
    await openStep(page, api, user, stepId);
    await page.getByRole('button', { name: 'Edit as JSON' }).click();
    await page.getByRole('button', { name: 'Edit as a form' }).waitFor();
  },
  'step-approval-refused': async ({ world, api, page }) => {
    const { user, stepId } = await startForApproval(world);
    await openStep(page, api, user, stepId);
    await page.getByLabel('amount').fill('-1');
    await page.getByRole('main').getByRole('button', { name: 'Approve' }).click();
    await page.locator('[aria-invalid="true"]').waitFor();
  },
  'step-outcome-unknown': async ({ world, api, page }) => {
    const { user, stepId } = await startLost(world);
    await openStep(page, api, user, stepId);
  },
  'listing-of-two': async ({ world, api, page, user }) => {
    const { listing, other } = await startListing(world, user);
    await openStep(page, api, user, listing);
    await page.getByRole('link', { name: `Connect: ${other}, work` }).waitFor();
  },
  'step-succeeded': async ({ world, api, page, user }) => {
    await world.users.connect(user);
    const { stepId } = await world.steps.start(user, { title: 'Invoice for ACME' });
    await world.steps.until(user, stepId, 'success');
    await openStep(page, api, user, stepId);
  },
  'step-result': async ({ world, api, page }) => {
    const content = [
      { type: 'text', text: 'Here is what I found.\n\nThe sales grew in March.' },
      { type: 'image', data: PNG, mimeType: 'image/png' },
      { type: 'audio', data: wav(), mimeType: 'audio/wav' },
      {
        type: 'resource_link',
        uri: 'https://files.example/report.pdf',
        name: 'The report',
        mimeType: 'application/pdf',
      },
      {
        type: 'resource',
        resource: { uri: 'ledger://invoices/7', mimeType: 'text/csv', text: 'id,amount\n7,42' },
      },
      { type: 'resource', resource: { uri: 'ledger://scan', mimeType: 'application/zip', blob: 'AAAA' } },
    ];
    const structuredContent = {
      customer: 'ACME',
      isPaid: false,
      lines: [
        { id: 'L1', amount: 40, tags: ['a', 'b'] },
        { id: 'L2', amount: 2, tags: [] },
      ],
      note: null,
    };
    const { user, step, server } = await startAnswered(world, { content, structuredContent });
    await openStep(page, api, user, step.stepId);
    await server.close();
  },
  'step-failed': async ({ world, api, page, user }) => {
    await world.users.connect(user);
    const { stepId } = await world.steps.start(user, {
      tool: 'fail',
      arguments: { message: 'The customer ACME is blocked.' },
    });
    await world.steps.until(user, stepId, 'error');
    await openStep(page, api, user, stepId);
  },
  'step-again': async ({ world, api, page, user }) => {
    await world.users.connect(user);
    const { stepId } = await world.steps.start(user, { title: 'Invoice for ACME' });
    await world.steps.until(user, stepId, 'success');
    await openStep(page, api, user, stepId);
    await page.goto(`${api.url}/start?again=${stepId}`);
    await page.getByText('The new step begins with').waitFor();
  },
  'step-approval-unchecked': async ({ world, api, page }) => {
    const user = world.users.newUser();
    await world.users.connect(user);
    const { stepId } = await world.steps.start(user, { mode: 'automated-with-confirmation' });
    await world.steps.until(user, stepId, 'awaiting-input');
    await world.users.disconnect(user);
    await openStep(page, api, user, stepId);
    await page.getByText('shows its tools when you are connected').waitFor();
  },
  'step-rejected': async ({ world, api, page }) => {
    const { user, stepId } = await startForApproval(world);
    await world.steps.reject(user, stepId, { reason: 'The amount is wrong.' }, 'carol@example.com');
    await openStep(page, api, user, stepId);
  },
  'step-cancelled': async ({ world, api, page }) => {
    const { user, stepId } = await startForApproval(world);
    await world.steps.cancel(user, stepId);
    await world.steps.until(user, stepId, 'cancelled');
    await openStep(page, api, user, stepId);
  },
  'step-hostile': async ({ world, api, page }) => {
    const content = [{ type: 'text', text: HOSTILE.slice(0, 600) }];
    const { user, step, server } = await startAnswered(
      world,
      { content, structuredContent: { [HOSTILE.slice(0, 150)]: HOSTILE.slice(60, 400) } },
      { title: HOSTILE.slice(0, 150), arguments: { text: HOSTILE.slice(0, 300) } },
    );
    await openStep(page, api, user, step.stepId);
    await server.close();
  },
  'step-unknown': async ({ world, api, page, user }) => {
    const { user: _, stepId } = await startForApproval(world);
    const { body } = await api.ask(user, 'POST /sign-in-links', { returnTo: `/step/${stepId}` });
    // The cast trusts the contract of the API.
    await page.goto((body as { url: string }).url);
    await page.getByRole('heading', { name: 'Not found' }).waitFor();
  },
};
