import type { StepView } from '../../contracts/step.ts';
import { consent } from './consent.ts';
import { startInvoice } from './invoices.ts';
import { MCP_SERVER_ID, type Stage, USER } from './stage.ts';
import { WORK } from './two-accounts.ts';

/** The first of the steps that wait for Ada's consent. */
export const WAITING_STEP = 'october-acme';

const PAUSED = [
  { stepId: WAITING_STEP, title: 'Invoice ACME for October' },
  { stepId: 'october-globex', title: 'Invoice Globex for October' },
  { stepId: 'october-initech', title: 'Invoice Initech for October' },
];

/**
 * Leaves something on Ada's page for a visitor: steps that wait for her consent, for her approval, for more access and
 * for her word on a call whose answer was lost, beside ones that have ended.
 *
 * @returns where Ada reconnects a paused step
 */
export async function leaveUnfinishedSteps(stage: Stage): Promise<string> {
  await consent(stage, WORK);
  await leaveEnded(stage);
  await leaveOutcomeUnknown(stage);
  await leaveForApproval(stage);
  await leaveForMoreAccess(stage);
  stage.authorizationServer.control.revokeGrants(USER);
  await Promise.all(PAUSED.map(({ stepId, title }) => startInvoice(stage.api, stepId, { title })));
  const paused = await Promise.all(PAUSED.map(({ stepId }) => untilPaused(stage, stepId)));
  return paused[0]?.connectUrl ?? stage.apiUrl;
}

async function leaveEnded(stage: Stage): Promise<void> {
  await start(stage, { stepId: 'list', title: 'List the invoices', tool: 'list_invoices', arguments: {} });
  await start(stage, {
    stepId: 'bounced',
    title: 'Remind Hooli',
    tool: 'fail',
    arguments: { message: 'Hooli has no address for reminders' },
  });
  await Promise.all(['list', 'bounced'].map((stepId) => stage.api.until(stepId, 'success', 'error')));
}

async function leaveOutcomeUnknown(stage: Stage): Promise<void> {
  stage.mcpServer.control.interceptTools({ do: 'drop-after-execution' }, { tool: 'send_message' });
  const args = { to: 'billing@globex.example', text: 'Your invoice for September is overdue.' };
  const step = { stepId: 'reminder', title: 'Remind Globex', tool: 'send_message', arguments: args };
  await start(stage, { ...step, account: WORK.account });
  await untilPaused(stage, 'reminder');
}

async function leaveForApproval(stage: Stage): Promise<void> {
  await start(stage, {
    stepId: 'umbrella',
    title: 'Invoice Umbrella for the audit',
    tool: 'create_invoice',
    arguments: { customer: 'Umbrella', amount: 12_400 },
    mode: 'automated-with-confirmation',
    account: WORK.account,
  });
  await untilPaused(stage, 'umbrella');
}

async function leaveForMoreAccess(stage: Stage): Promise<void> {
  const step = { stepId: 'export', title: 'Export the ledger', tool: 'export_ledger', arguments: {} };
  await start(stage, { ...step, account: WORK.account });
  await untilPaused(stage, 'export');
}

function start({ api }: Stage, step: { stepId: string } & Record<string, unknown>): Promise<unknown> {
  return api.request('POST', '/steps', { mcpServerId: MCP_SERVER_ID, ...step });
}

function untilPaused({ api }: Stage, stepId: string): Promise<StepView> {
  return api.until(stepId, 'awaiting-input', 'success', 'error');
}
