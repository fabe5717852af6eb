import { expect, vi } from 'vitest';
import type { StepView } from '../../../src/contracts/step.ts';
import { stepWorkflowId } from '../../../src/contracts/step-workflow-id.ts';
import { listPendingServerResumptions } from '../../../src/servers/server-switch.ts';
import { INVOICE, REPEATED_IF_LOST } from '../../support/world.ts';
import type { StoryFixture } from '../story-fixture.ts';
import { LOST_TASK_MS, newStoryUser, type StoryUser, untilAccepted } from '../users.ts';

const SUCCESS = 'success';
const PAUSED = 'awaiting-input';

/** Renewed because it is due, because the server refuses it, and with the operator's client. */
export async function playRenewals(fixture: StoryFixture): Promise<void> {
  const { authorizationServer } = fixture.world;
  const user = newStoryUser(fixture);
  const deposit = await fixture.world.users.consent(user.id);
  await user.deposit({ ...deposit, expiresIn: 0 });
  await user.until(await user.start(REPEATED_IF_LOST), SUCCESS);
  authorizationServer.control.expireAccessTokens(user.id);
  await user.until(await user.start(REPEATED_IF_LOST), SUCCESS);
  for (const action of ['drop-after-processing', 'drop-before-processing'] as const) {
    authorizationServer.control.expireAccessTokens(user.id);
    authorizationServer.control.interceptTokenRequests({ do: action }, { accountId: user.id });
    await user.run();
  }
}

/** Never connected, and consent withdrawn: both pause until there is a deposit. The next webhook fails at first. */
export async function playReauthorization(fixture: StoryFixture): Promise<void> {
  const user = newStoryUser(fixture);
  fixture.webhooks.answerOnce(500);
  for (const prepare of [() => {}, () => fixture.world.authorizationServer.control.revokeGrants(user.id)]) {
    prepare();
    const stepId = await user.start({ title: 'Write the invoice', ...REPEATED_IF_LOST });
    await user.until(stepId, PAUSED);
    await user.ask('GET /list-mcp-tools?mcpServerId=ledger');
    await user.ask('GET /mcp-oauth-credentials');
    await user.ask(`GET /connect/ledger?step=${stepId}`);
    await user.connect();
    await user.until(stepId, SUCCESS);
  }
}

export async function playScope(fixture: StoryFixture): Promise<void> {
  const user = newStoryUser(fixture);
  await user.connect({ scope: 'mcp:tools' });
  const stepId = await user.start({ tool: 'export_ledger', arguments: {}, ...REPEATED_IF_LOST });
  await user.until(stepId, PAUSED);
  await user.connect({ scope: 'mcp:tools ledger:export' });
  await user.until(stepId, SUCCESS);
}

export async function playApprovals(fixture: StoryFixture): Promise<void> {
  const user = newStoryUser(fixture);
  await user.connect();
  const ask = () => user.run({ mode: 'automated-with-confirmation' });
  const edited = { arguments: { ...INVOICE, amount: 7 } };
  const approved = await ask();
  await user.ask(`POST /steps/${approved}/approve`, { arguments: { ...INVOICE, amount: 'much' } });
  await user.ask(`POST /steps/${approved}/approve`, edited);
  await user.until(approved, SUCCESS);
  await user.ask(`POST /steps/${approved}/approve`, edited);
  await user.ask(`POST /steps/${await ask()}/reject`, { reason: 'not now' });
  await user.ask(`DELETE /steps/${await ask()}`);
}

export async function playLostOutcome(fixture: StoryFixture): Promise<void> {
  const user = newStoryUser(fixture);
  await user.connect();
  for (const resolution of [
    { action: 'retry' },
    { action: 'fail' },
    { action: 'succeed', result: { content: [{ type: 'text', text: 'it is there' }] } },
  ]) {
    fixture.world.mcpServer.control.interceptTools({ do: 'drop-after-execution' }, { user: user.id });
    const stepId = await user.run({ sideEffects: 'unsafe' });
    await user.ask(`POST /steps/${stepId}/resolve`, resolution);
    await user.until(stepId, SUCCESS, 'error');
  }
}

/** Results of every kind, also of servers with a secret of the operator's, and none from a server that is away. */
export async function playResults(fixture: StoryFixture): Promise<void> {
  const user = newStoryUser(fixture);
  await user.connect();
  await user.run({ tool: 'fail', arguments: { message: '401 Unauthorized' } });
  await user.run({ tool: 'large_report', arguments: { bytes: 200_000 } });
  await user.run({ tool: 'slow_report', arguments: { durationMs: 300, steps: 3 } });
  await user.run({ tool: 'no_such_tool', arguments: {} });
  await user.run({ arguments: { customer: '' } });
  await user.run({ mcpServerId: 'bearer', tool: 'list_invoices', arguments: {} });
  await user.run({ mcpServerId: 'bearer-refused', tool: 'list_invoices', arguments: {} });
  await user.run({ mcpServerId: 'away', timeouts: { unavailable: '1s' } });
  await user.ask('GET /list-mcp-tools?mcpServerId=away');
  await playOperatorsClient(fixture, user);
}

async function playOperatorsClient({ world }: StoryFixture, user: StoryUser): Promise<void> {
  const {
    clientId: _,
    clientSecret: __,
    ...deposit
  } = await world.users.consent(user.id, { mcpServerId: 'operated' });
  await user.deposit({ ...deposit, expiresIn: 0 });
  await user.run({ mcpServerId: 'operated' });
}

export async function playDisconnect(fixture: StoryFixture): Promise<void> {
  const user = newStoryUser(fixture);
  await user.connect();
  await user.run();
  await user.ask('DELETE /mcp-oauth-credentials/ledger');
  await user.ask('DELETE /mcp-oauth-credentials/ledger');
  await user.ask('GET /mcp-tools');
}

/** A step that waits for a paused server until an admin resumes it. */
export async function playPausedServer(fixture: StoryFixture): Promise<void> {
  const { api, world } = fixture;
  const mcpServerId = 'switched';
  const registration = { url: world.mcpServer.url, auth: { type: 'oauth2' } };
  await untilAccepted(() => api.askAsAdmin(`PUT /mcp-servers/${mcpServerId}`, registration));
  await api.askAsAdmin(`POST /mcp-servers/${mcpServerId}/pause`);
  const user = newStoryUser(fixture);
  await user.connect({ mcpServerId });
  const stepId = await user.start({ mcpServerId, ...REPEATED_IF_LOST });
  await vi.waitFor(async () => {
    const { timeline } = await world.temporal.client.workflow
      .getHandle(stepWorkflowId(user.id, stepId))
      .query<StepView>('step');
    if (timeline.at(-1)?.event !== 'server-paused') throw new Error('the step does not wait yet');
  }, LOST_TASK_MS);
  await api.askAsAdmin(`POST /mcp-servers/${mcpServerId}/resume`);
  await user.until(stepId, SUCCESS);
  await vi.waitFor(async () => {
    const pending = await listPendingServerResumptions(world.services.db, 1);
    if (pending.length > 0) throw new Error('the resumption has not ended yet');
  }, LOST_TASK_MS);
}

/** Connections that nobody has used for almost as long as their authorization server remembers them. */
export async function playIdleGrants(fixture: StoryFixture): Promise<void> {
  const { api, world } = fixture;
  const mcpServerId = 'idle';
  const auth = { type: 'oauth2', idleLimit: '30 days' };
  const registration = { url: world.mcpServer.url, auth };
  await untilAccepted(() => api.askAsAdmin(`PUT /mcp-servers/${mcpServerId}`, registration));
  const [kept, withdrawn] = [newStoryUser(fixture), newStoryUser(fixture)];
  for (const user of [kept, withdrawn]) await user.connect({ mcpServerId });
  world.authorizationServer.control.revokeGrants(withdrawn.id);
  const before = await readStandings(fixture, mcpServerId);
  await world.services.db.query(
    `UPDATE mcp_credential SET grant_used_at = now() - interval '29 days' WHERE mcp_server_id = $1`,
    [mcpServerId],
  );
  await world.temporal.client.schedule.getHandle('latchkey-renew-idle').trigger('BUFFER_ONE');
  await vi.waitFor(
    async () => {
      const after = await readStandings(fixture, mcpServerId);
      const renewals = ({ id }: StoryUser) =>
        Number(after.get(id)?.tokenVersion) - Number(before.get(id)?.tokenVersion);
      const outcomes = [kept, withdrawn].map((user) => `${after.get(user.id)?.status} ${renewals(user)}`);
      expect(outcomes).toEqual(['connected 1', 'reauth-required 0']);
    },
    { timeout: LOST_TASK_MS, interval: 100 },
  );
  await fixture.registerIssued();
}

interface Standing {
  status: string;
  tokenVersion: string;
}

/** The connections of a server, by their users. */
async function readStandings({ world }: StoryFixture, mcpServerId: string): Promise<Map<string, Standing>> {
  const { rows } = await world.services.db.query<Standing & { userId: string }>(
    `SELECT user_id AS "userId", status, token_version AS "tokenVersion" FROM mcp_credential
      WHERE mcp_server_id = $1`,
    [mcpServerId],
  );
  return new Map(rows.map((row) => [row.userId, row]));
}
