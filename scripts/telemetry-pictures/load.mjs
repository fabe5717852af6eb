import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { consent } from '../../dist/dev/demo/consent.js';
import { startMcpServer } from '../../dist/dev/embedded/mcp-server.js';

export const LOAD_SECONDS = 300;
const USERS = ['ben', 'cleo', 'dana', 'eli', 'fay', 'gus'].map((name) => `${name}@example.com`);
const TOKEN_SECONDS = 40;
const LEDGER = 'ledger';
/** Beside the server of the demo. */
const MORE_SERVERS = ['crm', 'reports'];

/**
 * Plays five minutes of work of six users with three MCP servers, about 450 steps: tokens expire, consents are
 * withdrawn and given again, steps wait for approval, a server is away, another one is paused.
 *
 * @param {import('../../dist/dev/demo/stage.js').Stage} stage
 */
export async function playLoad(stage) {
  const servers = await registerServers(stage);
  stage.authorizationServer.control.setAccessTokenTtl(TOKEN_SECONDS);
  try {
    const people = await Promise.all(USERS.map(async (user) => ({ user, api: await stage.apiOf(user) })));
    for (const person of people) for (const id of [LEDGER, ...MORE_SERVERS]) await connect(person, id);
    await followPlan(planOf(stage, servers, people));
  } finally {
    await Promise.all([...servers.values()].map((server) => server.stop()));
  }
}

async function registerServers({ admin, authorizationServer }) {
  const auth = { type: 'oauth2', authorizationServer };
  const servers = new Map();
  for (const id of MORE_SERVERS) {
    const server = await startMcpServer({ auth, initialScope: 'openid email mcp:tools' });
    servers.set(id, server);
    await admin.request('PUT', `/mcp-servers/${id}`, { url: server.url, auth: { type: 'oauth2' } });
  }
  return servers;
}

/** Tries twice, because the authorization server of a busy machine may be too slow. */
function connect({ user, api }, mcpServerId) {
  const tryOnce = () => consent({ api }, { mcpServerId, signsInAs: user });
  return tryOnce().catch(tryOnce);
}

/** What happens in which second. */
function planOf({ admin, authorizationServer }, servers, people) {
  const [ben, cleo, dana, eli, fay] = people;
  const { expireAccessTokens, revokeGrants } = authorizationServer.control;
  const crm = servers.get('crm');
  const withdraw =
    ({ user }) =>
    async () =>
      revokeGrants(user);
  const reconnect = (person) => async () => {
    for (const id of [LEDGER, ...MORE_SERVERS]) await connect(person, id);
  };
  return [
    { at: every(2), act: (second) => Promise.all(people.map((person, i) => work(person, second / 2 + i))) },
    { at: [30, 150, 270], act: async () => expireAccessTokens() },
    {
      at: every(12, 5),
      act: (second) => askAndApprove(people[Math.floor(second / 12) % people.length], 8_000 + 90 * second),
    },
    { at: [45], act: withdraw(ben) },
    { at: [100], act: reconnect(ben) },
    { at: [70], act: withdraw(cleo) },
    { at: [90], act: reconnect(cleo) },
    { at: [190], act: withdraw(dana) },
    { at: [245], act: reconnect(dana) },
    { at: [120], act: () => crm.control.goOffline() },
    { at: [135], act: () => crm.control.goOnline() },
    { at: [60, 150, 220], act: () => loseAnswer(eli, crm) },
    { at: [165], act: () => start(fay, LEDGER, 'export_ledger') },
    { at: [200], act: () => admin.request('POST', '/mcp-servers/reports/pause') },
    { at: [230], act: () => admin.request('POST', '/mcp-servers/reports/resume') },
  ];
}

function every(seconds, from = 0) {
  return Array.from({ length: Math.ceil((LOAD_SECONDS - from) / seconds) }, (_, i) => from + i * seconds);
}

/** The last actions get 10 s to end. A step may still wait then, as steps do. */
async function followPlan(plan) {
  const running = [];
  const start = performance.now();
  for (let second = 0; second < LOAD_SECONDS; second += 1) {
    for (const { at, act } of plan) {
      // A busy machine may answer 503: the picture shows that, too.
      if (at.includes(second)) running.push(act(second).catch(({ message }) => console.error(message)));
    }
    await delay(Math.max(0, start + (second + 1) * 1_000 - performance.now()));
  }
  await Promise.race([Promise.all(running), delay(10_000)]);
}

/** At each turn, every other person does one thing. */
async function work(person, count) {
  if (count % 2 === 1) return;
  const turn = Math.floor(count / 2);
  const amount = 100 + turn;
  if (turn % 4 === 0) await start(person, LEDGER, 'create_invoice', { customer: `ACME ${turn}`, amount });
  if (turn % 4 === 1) await start(person, 'crm', 'list_invoices');
  if (turn % 4 === 2)
    await start(person, 'reports', 'slow_report', { durationMs: 100 + ((turn * 97) % 1_900) });
  if (turn % 4 === 3) await start(person, LEDGER, turn % 16 === 3 ? 'fail' : 'list_invoices');
  if (turn % 8 === 0) await person.api.request('GET', '/steps?limit=10');
  if (turn % 24 === 0) await person.api.request('GET', '/steps/unknown').catch(() => {});
}

function start({ api }, mcpServerId, tool, args = {}, more = {}) {
  return api.request('POST', '/steps', { mcpServerId, tool, arguments: args, ...more });
}

async function askAndApprove(person, afterMs) {
  const stepId = `asked-${randomUUID()}`;
  const args = { customer: 'Umbrella', amount: 12_400 };
  await start(person, LEDGER, 'create_invoice', args, { stepId, mode: 'automated-with-confirmation' });
  const { status } = await person.api.until(stepId, 'awaiting-input', 'error');
  await delay(afterMs);
  if (status === 'awaiting-input') await person.api.request('POST', `/steps/${stepId}/approve`, {});
}

/** The answer to a call is lost, and half a minute later a person says that the call succeeded. */
async function loseAnswer(person, server) {
  const stepId = `lost-${randomUUID()}`;
  server.control.interceptTools({ do: 'drop-after-execution' }, { tool: 'send_message', user: person.user });
  await start(person, 'crm', 'send_message', { to: 'billing@globex.example', text: 'Overdue.' }, { stepId });
  await person.api.until(stepId, 'awaiting-input', 'error');
  await delay(30_000);
  await person.api.request('POST', `/steps/${stepId}/resolve`, {
    action: 'succeed',
    result: { content: [] },
  });
}
