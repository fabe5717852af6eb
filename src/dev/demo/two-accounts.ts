import type { StepView } from '../../contracts/step.ts';
import type { DemoMcpServer } from '../embedded/mcp-server.ts';
import { connectionsOf, consent } from './consent.ts';
import { callsOf, startInvoice } from './invoices.ts';
import type { Narrator } from './narrator.ts';
import { MCP_SERVER_ID, type Stage, USER } from './stage.ts';

/** Ada's second account. */
export const WORK = { account: 'work', signsInAs: 'ada@work.example' };
const [PRIVATE_1, WORK_1, PRIVATE_2, WORK_2] = ['private-1', 'work-1', 'private-2', 'work-2'];
export const STEPS_OF_TWO_ACCOUNTS = [PRIVATE_1, WORK_1, PRIVATE_2, WORK_2];

/** Ada uses one server with two accounts. Each step acts as its own, and one can end without the other. */
export async function useTwoAccounts(stage: Stage, narrator: Narrator): Promise<void> {
  await connectSecond(stage, narrator);
  await actAsEach(stage, narrator);
  await disconnectOne(stage, narrator);
  await reconnectIt(stage, narrator);
}

async function connectSecond(stage: Stage, { tell, check }: Narrator): Promise<void> {
  tell(`Ada connects a second account at the same server: work, which is ${WORK.signsInAs} there.`);
  await consent(stage, WORK);
  const connections = await connectionsOf(stage);
  const connected = connections.filter(({ status }) => status === 'connected').map(({ account }) => account);
  check('both accounts are connected', connected.sort().join() === 'default,work', connections);
}

async function actAsEach({ api, mcpServer }: Stage, { tell, check }: Narrator): Promise<void> {
  tell('A step of each account.');
  await Promise.all([startInvoice(api, PRIVATE_1), startInvoice(api, WORK_1, { account: WORK.account })]);
  await Promise.all([PRIVATE_1, WORK_1].map((stepId) => api.until(stepId, 'success', 'error')));
  const callers = [callersOf(mcpServer, PRIVATE_1), callersOf(mcpServer, WORK_1)];
  check('each step acts as its account, once', callers.join() === `${USER},${WORK.signsInAs}`, callers);
}

async function disconnectOne(stage: Stage, { tell, check }: Narrator): Promise<void> {
  const { api } = stage;
  tell('She disconnects the account work. A step of each account starts.');
  await api.request('DELETE', `/mcp-oauth-credentials/${MCP_SERVER_ID}?account=${WORK.account}`);
  await Promise.all([startInvoice(api, PRIVATE_2), startInvoice(api, WORK_2, { account: WORK.account })]);
  const [other, step] = await Promise.all(
    [PRIVATE_2, WORK_2].map((stepId) => api.until(stepId, 'awaiting-input', 'success', 'error')),
  );
  check("the other account's step succeeds", other?.status === 'success', other);
  check('the step of the account work pauses, with a link to reconnect that account', isPaused(step), step);
}

function isPaused(step: StepView | undefined): boolean {
  if (step?.awaitingInputReason !== 'needs-oauth-reauth' || step.connectUrl === undefined) return false;
  return new URL(step.connectUrl).searchParams.get('account') === WORK.account;
}

async function reconnectIt(stage: Stage, { tell, check }: Narrator): Promise<void> {
  tell('She connects it again.');
  await consent(stage, WORK);
  const step = await stage.api.until(WORK_2, 'success', 'error');
  const callers = callersOf(stage.mcpServer, WORK_2);
  check(
    'its step goes on and acts as that account',
    step.status === 'success' && callers.join() === WORK.signsInAs,
    { step, callers },
  );
}

function callersOf(mcpServer: DemoMcpServer, stepId: string): string[] {
  return callsOf(mcpServer, stepId).map(({ user }) => user);
}
