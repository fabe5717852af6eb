import { afterAll, describe, expect, vi } from 'vitest';
import type { StepView } from '../../src/contracts/step.ts';
import type { Grant } from '../../src/credentials/credential.ts';
import { findPendingRevocation } from '../../src/credentials/retirement/disconnect-credential.ts';
import type { Deposit } from '../../src/schemas/deposit.ts';
import { readRow, readTokens } from '../credentials/credential-row.ts';
import { isActive } from '../credentials/oidc-fixture.ts';
import { startFaultyWorker } from '../integration/processes/start-faulty-worker.ts';
import type { TestApi } from '../support/api.ts';
import { testInWorld } from '../support/fixtures.ts';
import { type ScriptedMcpServer, startScriptedMcpServer } from '../support/scripted-mcp-server.ts';
import { createWorld, type World } from '../support/world.ts';
import { eventsOf, refreshes } from './refresh-failures.ts';

const test = testInWorld();
/** Takes any token, and says which one it was. */
let anyTokenServer: ScriptedMcpServer;

test.beforeAll(async ({ world }) => {
  anyTokenServer = await startScriptedMcpServer();
  await world.register(ANY_TOKEN, { url: anyTokenServer.url, auth: { type: 'oauth2' } });
});

afterAll(async () => {
  await anyTokenServer.close();
});

const ANY_TOKEN = 'any-token';
const MOMENTS = [
  ['has not been processed yet', 'hold-before-processing'],
  ['has rotated the token', 'hold-after-processing'],
] as const;

describe.each(MOMENTS)('while a renewal %s,', (_when, action) => {
  const hold = (world: World, accountId: string) =>
    world.authorizationServer.control.interceptTokenRequests({ do: action }, { accountId });

  test('a deposit wins: the step calls with the deposited token, and nothing is revoked', async ({
    world,
    api,
  }) => {
    const user = world.users.newUser();
    const revocations = world.authorizationServer.stats.requests('revocation');
    await deposit(api, user, { ...(await consent(world, user)), expiresIn: 0 });
    const renewal = hold(world, user);
    const step = await world.steps.start(user, { mcpServerId: ANY_TOKEN, tool: 'echo' });
    await renewal.reached();
    const deposited = await consent(world, user);

    expect(await deposit(api, user, deposited)).toMatchObject({ version: 2 });
    const meanwhile = await world.steps.start(user, { mcpServerId: ANY_TOKEN, tool: 'echo' });
    expect(await world.steps.result(meanwhile)).toMatchObject({ status: 'success' });
    renewal.release();

    expect(await world.steps.result(step)).toMatchObject({ status: 'success' });
    await vi.waitFor(
      async () => expect(await eventsOf(world, user, step)).toEqual(['started', 'token-renewed', 'finished']),
      20_000,
    );
    const bearers = await bearersOf(world, [step, meanwhile]);
    expect(bearers).toEqual(Array(2).fill(`Bearer ${deposited.accessToken}`));
    const { grant } = await readTokens(world.services, keyOf(world, user, ANY_TOKEN));
    expect(grant?.refreshToken).toBe(deposited.refreshToken);
    expect(await isActive(world.authorizationServer, deposited.accessToken ?? '')).toBe(true);
    expect(refreshes(world, user)).toEqual({ succeeded: 1, failed: 0 });
    expect(world.authorizationServer.stats.requests('revocation')).toBe(revocations);
  });

  test('the same deposit again changes nothing: the renewal is stored', async ({ world, api }) => {
    const user = world.users.newUser();
    const deposited = { ...(await world.users.consent(user)), expiresIn: 0 };
    await deposit(api, user, deposited);
    const renewal = hold(world, user);
    const step = await world.steps.start(user);
    await renewal.reached();

    expect(await deposit(api, user, deposited)).toEqual({
      stored: true,
      changed: false,
      version: 1,
      resuming: 0,
    });
    renewal.release();

    expect(await world.steps.result(step)).toMatchObject({ status: 'success' });
    expect(world.mcpServer.calls({ user })).toHaveLength(1);
    await expectRenewable(world, user, 2);
  });

  test('a disconnect is not undone: the step pauses, and the renewed tokens are revoked', async ({
    world,
    api,
  }) => {
    const user = world.users.newUser();
    await deposit(api, user, { ...(await world.users.consent(user)), expiresIn: 0 });
    const renewal = hold(world, user);
    const step = await world.steps.start(user);
    await renewal.reached();

    await disconnect(world, api, user);
    await untilNothingToRevoke(world, user);
    renewal.release();

    const paused = await world.steps.until(user, step.stepId, 'awaiting-input', 'error', 'success');
    expect(paused).toMatchObject({ status: 'awaiting-input', connectionReason: 'not-connected' });
    expect(await readTokens(world.services, keyOf(world, user))).toEqual({});
    const brought = await pendingRefreshToken(world, user);
    expect(brought !== undefined).toBe(action === 'hold-after-processing');
    await reconcile(world);
    await untilNothingToRevoke(world, user);
    expect(await isActive(world.authorizationServer, brought ?? 'none')).toBe(false);
    expect(world.mcpServer.calls({ user })).toEqual([]);

    expect(await world.users.connect(user)).toMatchObject({ version: 3, resuming: 1 });
    expect(await world.steps.result(step)).toMatchObject({ status: 'success' });
    expect(world.mcpServer.calls({ user })).toHaveLength(1);
  });

  test('a disconnect and then a deposit: the deposit wins', async ({ world, api }) => {
    const user = world.users.newUser();
    await deposit(api, user, { ...(await world.users.consent(user)), expiresIn: 0 });
    const renewal = hold(world, user);
    const step = await world.steps.start(user);
    await renewal.reached();

    await disconnect(world, api, user);
    await untilNothingToRevoke(world, user);
    const { version } = await world.users.connect(user);
    const deposited = await readTokens(world.services, keyOf(world, user));
    renewal.release();

    expect(await world.steps.result(step)).toMatchObject({ status: 'success' });
    expect(version).toBe(3);
    expect(await readTokens(world.services, keyOf(world, user))).toEqual(deposited);
    expect(await pendingRefreshToken(world, user)).toBeUndefined();
    expect(world.mcpServer.calls({ user })).toHaveLength(1);
  });
});

describe('an answer that comes after its user has revoked the grant and connected again', () => {
  /** What the step comes to whose renewal it is. */
  async function connectAnewMeanwhile(of: World, user: string): Promise<StepView> {
    const { control } = of.authorizationServer;
    const renewal = control.interceptTokenRequests({ do: 'hold-after-processing' }, { accountId: user });
    const { stepId } = await of.steps.start(user);
    await renewal.reached();
    control.revokeGrants(user);
    await of.users.connect(user);
    renewal.release();
    return of.steps.until(user, stepId, 'success', 'awaiting-input', 'error');
  }

  const createStaleUser = async (of: World) => {
    const user = of.users.newUser();
    await of.users.deposit(user, { ...(await of.users.consent(user)), expiresIn: 0 });
    return user;
  };

  test('is dropped: the step calls with the new grant', async ({ world }) => {
    const user = await createStaleUser(world);

    expect(await connectAnewMeanwhile(world, user)).toMatchObject({ status: 'success' });
  });

  test('replaces the new grant without the fences, and it is lost (negative control)', async ({
    onTestFinished,
  }) => {
    const other = await createWorld({ withoutWorker: true });
    onTestFinished(() => other.stop());
    const user = await createStaleUser(other);
    const faulty = await startFaultyWorker(other.environment(), { [user]: { without: 'fences' } });
    onTestFinished(() => faulty.kill());
    await other.startWorker({ withoutActivities: true });

    const step = await connectAnewMeanwhile(other, user);

    expect(step).toMatchObject({ status: 'awaiting-input', connectionReason: 'invalid-grant' });
  });
});

describe('a deposit of a spent token', () => {
  test('changes nothing, and the grant stays good', async ({ world, api }) => {
    const user = world.users.newUser();
    const spent = { ...(await world.users.consent(user)), expiresIn: 0 };
    await deposit(api, user, spent);
    await world.steps.result(await world.steps.start(user));

    expect(await deposit(api, user, spent)).toEqual({
      stored: true,
      changed: false,
      version: 1,
      resuming: 0,
    });

    await expectRenewable(world, user, 2);
  });

  test('wakes no waiting step, like a repeated deposit of the refused token', async ({ world, api }) => {
    const user = world.users.newUser();
    const spent = { ...(await world.users.consent(user)), expiresIn: 0 };
    await deposit(api, user, spent);
    await world.steps.result(await world.steps.start(user));
    const current = await currentDeposit(world, user, spent);
    world.authorizationServer.control.revokeGrants(user);
    const step = await startPaused(world, user);
    const before = await activitiesOf(world, step);

    for (const again of [spent, current, spent, current]) {
      expect(await deposit(api, user, again)).toEqual({
        stored: true,
        changed: false,
        version: 1,
        resuming: 0,
      });
    }
    await reconcile(world);

    expect(await world.steps.get(user, step.stepId)).toMatchObject({ connectionReason: 'invalid-grant' });
    expect(await world.steps.waiting(user)).toEqual([step.stepId]);
    expect(await activitiesOf(world, step)).toEqual(before);
    await world.users.connect(user);
    expect(await world.steps.result(step)).toMatchObject({ status: 'success' });
  });
});

test('a deposit of the current token makes a step that it does not help look once, without a loop', async ({
  world,
  api,
}) => {
  const user = world.users.newUser();
  const first = await world.users.consent(user);
  await deposit(api, user, first);
  const refusal = { do: 'answer', status: 401 } as const;
  const refusing = world.mcpServer.control.interceptRequests(refusal, { user, times: Infinity });
  const step = await startPaused(world, user);
  expect(step.connectionReason).toBe('token-rejected');

  expect(await deposit(api, user, await currentDeposit(world, user, first))).toMatchObject({
    version: 2,
    resuming: 1,
  });
  const pauses = async () => (await eventsOf(world, user, step)).filter((is) => is === 'awaiting-input');
  await vi.waitFor(async () => expect(await pauses()).toHaveLength(2), UNTIL);
  await reconcile(world);

  const look = ['invokeTool', 'refreshToken', 'invokeTool', 'registerWaiter'];
  expect(await activitiesOf(world, step)).toEqual([...look, ...look]);
  refusing.release();
  await world.users.connect(user);
  expect(await world.steps.result(step)).toMatchObject({ status: 'success' });
  expect(world.mcpServer.calls({ user })).toHaveLength(1);
});

const UNTIL = { timeout: 30_000, interval: 100 };

const keyOf = (world: World, userId: string, mcpServerId = world.mcpServerId) => ({ userId, mcpServerId });
const consent = (world: World, user: string) => world.users.consent(user, { mcpServerId: ANY_TOKEN });

async function deposit(api: TestApi, user: string, body: Deposit): Promise<unknown> {
  const answer = await api.ask(user, 'POST /mcp-oauth-credentials', body);
  expect(answer.status).toBe(200);
  return answer.body;
}

async function disconnect(world: World, api: TestApi, user: string): Promise<void> {
  const answer = await api.ask(user, `DELETE /mcp-oauth-credentials/${world.mcpServerId}`);
  expect(answer.status).toBe(204);
}

/** What a user would deposit who knows the refresh token that is stored now. */
async function currentDeposit(world: World, user: string, deposited: Deposit): Promise<Deposit> {
  const { grant } = await readTokens(world.services, keyOf(world, user));
  return { ...deposited, refreshToken: grant?.refreshToken ?? '' };
}

async function startPaused(world: World, user: string): Promise<StepView> {
  const { stepId } = await world.steps.start(user);
  return world.steps.until(user, stepId, 'awaiting-input');
}

/** The grant is alive: one more renewal works, after which there have been so many. */
async function expectRenewable(world: World, user: string, renewals: number): Promise<void> {
  world.authorizationServer.control.expireAccessTokens(user);
  expect(await world.steps.result(await world.steps.start(user))).toMatchObject({ status: 'success' });
  expect(refreshes(world, user)).toEqual({ succeeded: renewals, failed: 0 });
  expect(await readRow(world.services.db, keyOf(world, user))).toMatchObject({
    credentialVersion: 1,
    status: 'connected',
  });
}

async function pendingRefreshToken(world: World, user: string): Promise<string | undefined> {
  const jwe = await findPendingRevocation(world.services.db, keyOf(world, user));
  if (jwe === undefined) return undefined;
  const opened = await world.services.vault.open('grant', keyOf(world, user), jwe);
  if (opened.kind !== 'opened') throw new Error(opened.kind);
  const { refreshToken }: Grant = JSON.parse(opened.plaintext);
  return refreshToken;
}

async function untilNothingToRevoke(world: World, user: string): Promise<void> {
  await vi.waitFor(async () => expect(await pendingRefreshToken(world, user)).toBeUndefined(), UNTIL);
}

async function reconcile(world: World): Promise<void> {
  const { taskQueue } = world.config;
  const workflowId = `reconcile-${taskQueue}`;
  await world.temporal.client.workflow.execute('reconcile', { taskQueue, workflowId, args: [] });
}

/** The tokens that the tools of these steps were called with. */
async function bearersOf(world: World, steps: StepView[]): Promise<(string | undefined)[]> {
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

async function activitiesOf(world: World, { workflowId }: StepView): Promise<(string | null | undefined)[]> {
  const { events } = await world.temporal.client.workflow.getHandle(workflowId).fetchHistory();
  const scheduled = (events ?? []).flatMap((event) => event.activityTaskScheduledEventAttributes ?? []);
  return scheduled.map(({ activityType }) => activityType?.name);
}
