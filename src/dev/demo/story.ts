import { Client, Connection } from '@temporalio/client';
import type { StepView } from '../../contracts/step.ts';
import { stepWorkflowId } from '../../contracts/step-workflow-id.ts';
import { createPayloadCodec, decodeWithin } from '../../payloads/payload-codec.ts';
import { connectionsOf, consent } from './consent.ts';
import { callsOf, customerOf, runs, startInvoice } from './invoices.ts';
import type { Narrator } from './narrator.ts';
import { MCP_SERVER_ID, type Stage, USER } from './stage.ts';
import { STEPS_OF_TWO_ACCOUNTS, useTwoAccounts } from './two-accounts.ts';

/** Runs the demo's story act by act. Every fact is checked against the servers' own records. */
export async function playStory(stage: Stage, narrator: Narrator): Promise<void> {
  await connectAda(stage, narrator);
  await succeed(stage, narrator);
  await renewUnseen(stage, narrator);
  await approveWithEdit(stage, narrator);
  const paused = await pauseThree(stage, narrator);
  await replaceWorker(stage, narrator, paused);
  await resumeAll(stage, narrator, paused);
  await staySteady(stage, narrator);
  await useTwoAccounts(stage, narrator);
  await checkHistories(stage, narrator);
}

const HAPPY = 'invoice-0';
const EXPIRED = 'expired';
const APPROVED = 'approved';
const PAUSED = ['invoice-1', 'invoice-2', 'invoice-3'];
const STEADY = ['steady-1', 'steady-2', 'steady-3', 'steady-4', 'steady-5'];
const ALL_STEPS = [HAPPY, EXPIRED, APPROVED, ...PAUSED, ...STEADY, ...STEPS_OF_TWO_ACCOUNTS];

export async function connectAda(stage: Stage, { tell, check }: Narrator): Promise<void> {
  const { admin, mcpServer, authorizationServer } = stage;
  tell(
    `An MCP server with OAuth at ${mcpServer.url}; its authorization server: ${authorizationServer.issuer}`,
  );
  await admin.request('PUT', `/mcp-servers/${MCP_SERVER_ID}`, {
    url: mcpServer.url,
    auth: { type: 'oauth2' },
    title: 'Ledger',
  });
  tell("Latchkey is told the MCP server's URL, and nothing else. Ada's application asks for a link for her.");
  const { status, headings } = await consent(stage, { signsInAs: USER });
  tell(`Her browser sees: ${headings.join(' → ')}`);
  check('her consent connects her', status === 'connected', { status, headings });
  const registrations = authorizationServer.stats.requests('registration');
  check(
    'its authorization server was found, and a client registered there, from that URL alone',
    registrations === 1,
    registrations,
  );
  const [stored] = await connectionsOf(stage);
  check('the credential is stored', stored?.version === 1, stored);
}

async function succeed({ api, mcpServer }: Stage, { tell, check }: Narrator): Promise<void> {
  tell('A step calls create_invoice on her behalf.');
  await startInvoice(api, HAPPY);
  const step = await api.until(HAPPY, 'success', 'error');
  check('the step succeeds', step.status === 'success', step);
  check('the tool ran once', runs(mcpServer, HAPPY) === 1, runs(mcpServer, HAPPY));
}

async function renewUnseen({ api, authorizationServer, mcpServer }: Stage, { tell, check }: Narrator) {
  tell('Her access token expires. The next step renews it, and Ada is not asked.');
  authorizationServer.control.expireAccessTokens(USER);
  await startInvoice(api, EXPIRED);
  const step = await api.until(EXPIRED, 'success', 'error');
  check('the step with the expired token succeeds', step.status === 'success', step);
  const grants = authorizationServer.stats.tokenGrants('refresh_token', { accountId: USER }).succeeded;
  check('the token was renewed by exactly one grant', grants === 1, grants);
  check('the tool ran once in spite of the expired token', runs(mcpServer, EXPIRED) === 1);
}

async function approveWithEdit({ api, mcpServer }: Stage, { tell, check }: Narrator): Promise<void> {
  tell('A step that wants confirmation pauses before it calls. Its amount is corrected, and it is approved.');
  await startInvoice(api, APPROVED, { mode: 'automated-with-confirmation' });
  const asking = await api.until(APPROVED, 'awaiting-input', 'success', 'error');
  check('the step asks first: needs-approval', asking.awaitingInputReason === 'needs-approval', asking);
  const edit = (amount: unknown) => ({ arguments: { customer: customerOf(APPROVED), amount } });
  const refused = await api.request('POST', `/steps/${APPROVED}/approve`, edit('a lot')).catch(String);
  check("an edit that the tool's schema refuses is refused", String(refused).includes(' 400 '), refused);
  await api.request('POST', `/steps/${APPROVED}/approve`, edit(41));
  const step = await api.until(APPROVED, 'success', 'error');
  check('approved, it succeeds', step.status === 'success', step);
  const amounts = callsOf(mcpServer, APPROVED).map((call) => call.arguments.amount);
  check('the tool ran once, with the corrected amount', amounts.length === 1 && amounts[0] === 41, amounts);
}

async function pauseThree(
  { api, authorizationServer }: Stage,
  { tell, check }: Narrator,
): Promise<StepView[]> {
  tell('Ada withdraws her consent at the authorization server. Three more steps start.');
  authorizationServer.control.revokeGrants(USER);
  await Promise.all(PAUSED.map((stepId) => startInvoice(api, stepId)));
  const steps = await Promise.all(
    PAUSED.map((stepId) => api.until(stepId, 'awaiting-input', 'success', 'error')),
  );
  const isPaused = ({ status, awaitingInputReason }: StepView) =>
    status === 'awaiting-input' && awaitingInputReason === 'needs-oauth-reauth';
  check('all three pause: needs-oauth-reauth', steps.every(isPaused), steps);
  const [first] = steps;
  check(
    'they say where to reconnect',
    first?.connectUrl?.includes(`/connect/${MCP_SERVER_ID}`) === true,
    first,
  );
  tell(`Reason ${first?.connectionReason}; link ${first?.connectUrl}`);
  return steps;
}

async function replaceWorker(stage: Stage, { tell, check }: Narrator, paused: StepView[]): Promise<void> {
  tell(`The worker (pid ${stage.worker.pid}) is killed while they wait, and another one is started.`);
  tell('(Temporal keeps a step for the worker that had it in memory for 5 s: they resume that much later.)');
  await stage.worker.kill();
  const { pid } = await stage.startWorker();
  const steps = await Promise.all(paused.map(({ stepId }) => stage.api.until(stepId, 'awaiting-input')));
  const stillWaiting = steps.every(({ status }) => status === 'awaiting-input');
  check('the paused steps survive the worker', stillWaiting && pid !== stage.worker.pid, steps);
}

async function resumeAll(stage: Stage, { tell, check }: Narrator, paused: StepView[]): Promise<void> {
  const { api, mcpServer } = stage;
  tell('Ada consents again, once. No step is retried by hand.');
  const { page } = await consent(stage, { signsInAs: USER });
  const named = PAUSED.filter((stepId) => page.html.includes(stepId));
  check('one deposit finds all three waiting', named.length === 3, { named, page: page.heading });
  const steps = await Promise.all(paused.map(({ stepId }) => api.until(stepId, 'success', 'error')));
  check(
    'all three resume by themselves and succeed',
    steps.every(({ status }) => status === 'success'),
    steps,
  );
  const counts = PAUSED.map((stepId) => runs(mcpServer, stepId));
  check(
    "each tool ran exactly once, by the MCP server's own count",
    counts.every((count) => count === 1),
    counts,
  );
}

async function staySteady({ api, mcpServer }: Stage, { tell, check }: Narrator): Promise<void> {
  tell('Five more steps, one after the other, over the connection that is open by now.');
  const before = mcpServer.requests().length;
  for (const stepId of STEADY) {
    await startInvoice(api, stepId);
    await api.until(stepId, 'success', 'error');
  }
  const perCall = (mcpServer.requests().length - before) / STEADY.length;
  check('one HTTP request at the MCP server per call', perCall === 1, perCall);
}

async function checkHistories(
  { temporal, payloadKeys, ...stage }: Stage,
  { tell, check }: Narrator,
): Promise<void> {
  tell("Last, a look into Temporal's histories.");
  const connection = await Connection.connect({ address: temporal.address });
  try {
    const client = new Client({ connection, namespace: temporal.namespace });
    const histories = await Promise.all(ALL_STEPS.map((stepId) => eventsOf(client, stepId)));
    const [happyPath = []] = histories;
    const activities = happyPath.filter((event) => event.activityTaskScheduledEventAttributes).length;
    const happy = { events: happyPath.length, activities };
    check('the happy path has 11 events and one activity', happy.events === 11 && activities === 1, happy);
    const codec = createPayloadCodec(payloadKeys?.reveal());
    const text = textIn(await decodeWithin(histories, codec));
    const isReadable = text.includes('ACME');
    const secrets = stage.authorizationServer.stats.secrets();
    const leaks = secrets.filter(({ value }) => text.includes(value)).length;
    check('no token is in any history', isReadable && leaks === 0, { isReadable, leaks });
  } finally {
    await connection.close();
  }
}

async function eventsOf(client: Client, stepId: string) {
  const { events } = await client.workflow.getHandle(stepWorkflowId(USER, stepId)).fetchHistory();
  return events ?? [];
}

// Payloads are bytes. Everything else is text or a number.
function textIn(value: unknown): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString();
  if (typeof value === 'object' && value !== null) return Object.values(value).map(textIn).join('\n');
  return String(value);
}
