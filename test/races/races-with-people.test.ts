import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { StepView } from '../../src/contracts/step.ts';
import type { Grant } from '../../src/credentials/credential.ts';
import { findPendingRevocation } from '../../src/credentials/retirement/disconnect-credential.ts';
import type { Deposit } from '../../src/schemas/deposit.ts';
import { readRow, readTokens } from '../credentials/credential-row.ts';
import { isActive } from '../credentials/oidc-fixture.ts';
import { startFaultyWorker } from '../integration/processes/start-faulty-worker.ts';
import { startTestApi, type TestApi } from '../support/api.ts';
import { type ScriptedMcpServer, startScriptedMcpServer } from '../support/scripted-mcp-server.ts';
import { createWorld, type World } from '../support/world.ts';
import { eventsOf, refreshes } from './refresh-failures.ts';

let world: World;
let api: TestApi;
/** Takes any token, and says which one it was. */
let anyTokenServer: ScriptedMcpServer;

beforeAll(async () => {
  world = await createWorld();
  api = await startTestApi(world);
  anyTokenServer = await startScriptedMcpServer();
  await world.register(ANY_TOKEN, { url: anyTokenServer.url, auth: { type: 'oauth2' } });
});

afterAll(async () => {
  await api.stop();
  await anyTokenServer.close();
  await world.stop();
});

const ANY_TOKEN = 'any-token';
const MOMENTS = [
  ['has not been processed yet', 'hold-before-processing'],
  ['has rotated the token', 'hold-after-processing'],
] as const;

describe.each(MOMENTS)('while a renewal %s,', (_when, action) => {
  const hold = (accountId: string) =>
    world.authorizationServer.control.interceptTokenRequests({ do: action }, { accountId });

  test('a deposit wins: the step calls with the deposited token, and nothing is revoked', async () => {
    const user = world.newUser();
    const revocations = world.authorizationServer.stats.requests('revocation');
    await deposit(user, { ...(await consent(user)), expiresIn: 0 });
    const renewal = hold(user);
    const step = await world.start(user, { mcpServerId: ANY_TOKEN, tool: 'echo' });
    await renewal.reached();
    const deposited = await consent(user);

    expect(await deposit(user, deposited)).toMatchObject({ version: 2 });
    const meanwhile = await world.start(user, { mcpServerId: ANY_TOKEN, tool: 'echo' });
    expect(await world.result(meanwhile)).toMatchObject({ status: 'success' });
    renewal.release();

    expect(await world.result(step)).toMatchObject({ status: 'success' });
    expect(await eventsOf(world, user, step)).toEqual(['started', 'token-renewed', 'finished']);
    const bearers = await bearersOf([step, meanwhile]);
    expect(bearers).toEqual(Array(2).fill(`Bearer ${deposited.accessToken}`));
    const { grant } = await readTokens(world.services, keyOf(user, ANY_TOKEN));
    expect(grant?.refreshToken).toBe(deposited.refreshToken);
    expect(await isActive(world.authorizationServer, deposited.accessToken ?? '')).toBe(true);
    expect(refreshes(world, user)).toEqual({ succeeded: 1, failed: 0 });
    expect(world.authorizationServer.stats.requests('revocation')).toBe(revocations);
  });

  test('the same deposit again changes nothing: the renewal is stored', async () => {
    const user = world.newUser();
    const deposited = { ...(await world.consent(user)), expiresIn: 0 };
    await deposit(user, deposited);
    const renewal = hold(user);
    const step = await world.start(user);
    await renewal.reached();

    expect(await deposit(user, deposited)).toEqual({
      stored: true,
      changed: false,
      version: 1,
      resuming: 0,
    });
    renewal.release();

    expect(await world.result(step)).toMatchObject({ status: 'success' });
    expect(world.mcpServer.calls({ user })).toHaveLength(1);
    await expectRenewable(user, 2);
  });

  test('a disconnect is not undone: the step pauses, and nothing that the renewal brings is good', async () => {
    const user = world.newUser();
    await deposit(user, { ...(await world.consent(user)), expiresIn: 0 });
    const renewal = hold(user);
    const step = await world.start(user);
    await renewal.reached();

    await disconnect(user);
    await untilNothingToRevoke(user);
    renewal.release();

    const paused = await world.until(user, step.stepId, 'awaiting-input', 'error', 'success');
    expect(paused).toMatchObject({ status: 'awaiting-input', connectionReason: 'not-connected' });
    expect(await readTokens(world.services, keyOf(user))).toEqual({});
    const brought = await pendingRefreshToken(user);
    expect(brought !== undefined).toBe(action === 'hold-after-processing');
    await reconcile();
    await untilNothingToRevoke(user);
    expect(await isActive(world.authorizationServer, brought ?? 'none')).toBe(false);
    expect(world.mcpServer.calls({ user })).toEqual([]);

    expect(await world.connect(user)).toMatchObject({ version: 3, resuming: 1 });
    expect(await world.result(step)).toMatchObject({ status: 'success' });
    expect(world.mcpServer.calls({ user })).toHaveLength(1);
  });

  test('a disconnect and then a deposit: the deposit wins', async () => {
    const user = world.newUser();
    await deposit(user, { ...(await world.consent(user)), expiresIn: 0 });
    const renewal = hold(user);
    const step = await world.start(user);
    await renewal.reached();

    await disconnect(user);
    await untilNothingToRevoke(user);
    const { version } = await world.connect(user);
    const deposited = await readTokens(world.services, keyOf(user));
    renewal.release();

    expect(await world.result(step)).toMatchObject({ status: 'success' });
    expect(version).toBe(3);
    expect(await readTokens(world.services, keyOf(user))).toEqual(deposited);
    expect(await pendingRefreshToken(user)).toBeUndefined();
    expect(world.mcpServer.calls({ user })).toHaveLength(1);
  });
});

describe('an answer that comes after its user has revoked the grant and connected anew', () => {
  /** What the step comes to whose renewal it is. */
  async function connectAnewMeanwhile(of: World, user: string): Promise<StepView> {
    const { control } = of.authorizationServer;
    const renewal = control.interceptTokenRequests({ do: 'hold-after-processing' }, { accountId: user });
    const { stepId } = await of.start(user);
    await renewal.reached();
    control.revokeGrants(user);
    await of.connect(user);
    renewal.release();
    return of.until(user, stepId, 'success', 'awaiting-input', 'error');
  }

  const createStaleUser = async (of: World) => {
    const user = of.newUser();
    await of.deposit(user, { ...(await of.consent(user)), expiresIn: 0 });
    return user;
  };

  test('is dropped: the step calls with the new grant', async () => {
    const user = await createStaleUser(world);

    expect(await connectAnewMeanwhile(world, user)).toMatchObject({ status: 'success' });
  });

  test('takes its place without the fences, and the new grant is lost (negative control)', async (context) => {
    const other = await createWorld({ withoutWorker: true });
    context.onTestFinished(() => other.stop());
    const user = await createStaleUser(other);
    const faulty = await startFaultyWorker(other.environment(), { [user]: { without: 'fences' } });
    context.onTestFinished(() => faulty.kill());
    await other.startWorker({ withoutActivities: true });

    const step = await connectAnewMeanwhile(other, user);

    expect(step).toMatchObject({ status: 'awaiting-input', connectionReason: 'invalid-grant' });
  });
});

describe('a deposit of a spent token', () => {
  test('is refused quietly, and the grant lives on', async () => {
    const user = world.newUser();
    const spent = { ...(await world.consent(user)), expiresIn: 0 };
    await deposit(user, spent);
    await world.result(await world.start(user));

    expect(await deposit(user, spent)).toEqual({ stored: true, changed: false, version: 1, resuming: 0 });

    await expectRenewable(user, 2);
  });

  test('wakes nobody who waits, and neither does the one that was refused, however often', async () => {
    const user = world.newUser();
    const spent = { ...(await world.consent(user)), expiresIn: 0 };
    await deposit(user, spent);
    await world.result(await world.start(user));
    const current = await currentDeposit(user, spent);
    world.authorizationServer.control.revokeGrants(user);
    const step = await startPaused(user);
    const before = await activitiesOf(step);

    for (const again of [spent, current, spent, current]) {
      expect(await deposit(user, again)).toEqual({ stored: true, changed: false, version: 1, resuming: 0 });
    }
    await reconcile();

    expect(await world.steps.get(user, step.stepId)).toMatchObject({ connectionReason: 'invalid-grant' });
    expect(await world.waiting(user)).toEqual([step.stepId]);
    expect(await activitiesOf(step)).toEqual(before);
    await world.connect(user);
    expect(await world.result(step)).toMatchObject({ status: 'success' });
  });
});

test('a deposit of the current token to a step that it does not help costs one look, and no loop', async () => {
  const user = world.newUser();
  const first = await world.consent(user);
  await deposit(user, first);
  const refusal = { do: 'answer', status: 401 } as const;
  const refusing = world.mcpServer.control.interceptRequests(refusal, { user, times: Infinity });
  const step = await startPaused(user);
  expect(step.connectionReason).toBe('token-rejected');

  expect(await deposit(user, await currentDeposit(user, first))).toMatchObject({ version: 2, resuming: 1 });
  const pauses = async () => (await eventsOf(world, user, step)).filter((is) => is === 'awaiting-input');
  await vi.waitFor(async () => expect(await pauses()).toHaveLength(2), UNTIL);
  await reconcile();

  const look = ['invokeTool', 'refreshToken', 'invokeTool', 'registerWaiter'];
  expect(await activitiesOf(step)).toEqual([...look, ...look]);
  refusing.release();
  await world.connect(user);
  expect(await world.result(step)).toMatchObject({ status: 'success' });
  expect(world.mcpServer.calls({ user })).toHaveLength(1);
});

const UNTIL = { timeout: 30_000, interval: 100 };

const keyOf = (userId: string, mcpServerId = world.mcpServerId) => ({ userId, mcpServerId });
const consent = (user: string) => world.consent(user, { mcpServerId: ANY_TOKEN });

async function deposit(user: string, body: Deposit): Promise<unknown> {
  const answer = await api.ask(user, 'POST /mcp-oauth-credentials', body);
  expect(answer.status).toBe(200);
  return answer.body;
}

async function disconnect(user: string): Promise<void> {
  const answer = await api.ask(user, `DELETE /mcp-oauth-credentials/${world.mcpServerId}`);
  expect(answer.status).toBe(204);
}

/** What a user would deposit who knows the refresh token that is stored now. */
async function currentDeposit(user: string, deposited: Deposit): Promise<Deposit> {
  const { grant } = await readTokens(world.services, keyOf(user));
  return { ...deposited, refreshToken: grant?.refreshToken ?? '' };
}

async function startPaused(user: string): Promise<StepView> {
  const { stepId } = await world.start(user);
  return world.until(user, stepId, 'awaiting-input');
}

/** The grant is alive: one more renewal works, after which there have been so many. */
async function expectRenewable(user: string, renewals: number): Promise<void> {
  world.authorizationServer.control.expireAccessTokens(user);
  expect(await world.result(await world.start(user))).toMatchObject({ status: 'success' });
  expect(refreshes(world, user)).toEqual({ succeeded: renewals, failed: 0 });
  expect(await readRow(world.services.db, keyOf(user))).toMatchObject({
    credentialVersion: 1,
    status: 'connected',
  });
}

async function pendingRefreshToken(user: string): Promise<string | undefined> {
  const jwe = await findPendingRevocation(world.services.db, keyOf(user));
  if (jwe === undefined) return undefined;
  const opened = await world.services.vault.open('grant', keyOf(user), jwe);
  if (opened.kind !== 'opened') throw new Error(opened.kind);
  const { refreshToken }: Grant = JSON.parse(opened.plaintext);
  return refreshToken;
}

async function untilNothingToRevoke(user: string): Promise<void> {
  await vi.waitFor(async () => expect(await pendingRefreshToken(user)).toBeUndefined(), UNTIL);
}

async function reconcile(): Promise<void> {
  const { taskQueue } = world.config;
  const workflowId = `reconcile-${taskQueue}`;
  await world.temporal.client.workflow.execute('reconcile', { taskQueue, workflowId, args: [] });
}

/** The tokens that the tools of these steps were called with. */
async function bearersOf(steps: StepView[]): Promise<(string | undefined)[]> {
  const handles = steps.map(({ workflowId }) => world.temporal.client.workflow.getHandle(workflowId));
  const runs = await Promise.all(handles.map(async (handle) => (await handle.describe()).runId));
  return anyTokenServer.seen
    .filter(({ what, params }) => what === 'tools/call' && runs.includes(idempotencyKeyOf(params)))
    .map(({ headers }) => headers.authorization);
}

function idempotencyKeyOf({ _meta }: Record<string, unknown>): string {
  // What Latchkey sends with each call.
  return (_meta as Record<string, string>)['latchkey/idempotency-key'] ?? '';
}

async function activitiesOf({ workflowId }: StepView): Promise<(string | null | undefined)[]> {
  const { events } = await world.temporal.client.workflow.getHandle(workflowId).fetchHistory();
  const scheduled = (events ?? []).flatMap((event) => event.activityTaskScheduledEventAttributes ?? []);
  return scheduled.map(({ activityType }) => activityType?.name);
}
