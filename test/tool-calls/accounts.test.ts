import { describe, expect } from 'vitest';
import type { StepView } from '../../src/contracts/step.ts';
import type { Deposit } from '../../src/schemas/deposit.ts';
import { testInWorld } from '../support/fixtures.ts';
import { PUBLIC_URL, type World } from '../support/world.ts';

const test = testInWorld();

/** The user's other account is another person at the provider. */
const atProvider = (user: string) => `${user}-at-work`;

async function consentForWork(world: World, user: string): Promise<Deposit> {
  return { ...(await world.users.consent(atProvider(user))), account: 'work' };
}

async function connectBoth(world: World): Promise<string> {
  const user = world.users.newUser();
  await world.users.connect(user);
  await world.users.deposit(user, await consentForWork(world, user));
  return user;
}

const startForWork = (world: World, user: string) => world.steps.start(user, { account: 'work' });

async function startPaused(world: World, user: string, account?: string): Promise<StepView> {
  const step = await world.steps.start(user, account === undefined ? {} : { account });
  return world.steps.until(user, step.stepId, 'awaiting-input');
}

function callsOf(world: World, user: string) {
  return [user, atProvider(user)].map((one) => world.mcpServer.calls({ user: one }).length);
}

describe('two accounts of one user', () => {
  test('are each used by the steps that name them', async ({ world }) => {
    const user = await connectBoth(world);

    await world.steps.result(await world.steps.start(user));
    expect(callsOf(world, user)).toEqual([1, 0]);
    const step = await startForWork(world, user);
    await world.steps.result(step);

    expect(callsOf(world, user)).toEqual([1, 1]);
    expect(step.account).toBe('work');
    expect(await world.steps.get(user, step.stepId)).toMatchObject({ account: 'work', status: 'success' });
  });

  test('are each renewed at most once', async ({ world }) => {
    const user = await connectBoth(world);
    world.authorizationServer.control.expireAccessTokens(atProvider(user));

    await world.steps.result(await startForWork(world, user));
    await world.steps.result(await world.steps.start(user));

    const renewals = [user, atProvider(user)].map(
      (accountId) => world.authorizationServer.stats.tokenGrants('refresh_token', { accountId }).succeeded,
    );
    expect(renewals).toEqual([0, 1]);
  });

  test('pause and resume one without the other, over HTTP', async ({ api, world }) => {
    const user = await connectBoth(world);
    for (const one of [user, atProvider(user)]) world.authorizationServer.control.revokeGrants(one);
    const paused = await startPaused(world, user);
    const ofWork = await startPaused(world, user, 'work');
    expect(paused.connectUrl).toBe(`${PUBLIC_URL}/connect/ledger?step=${paused.stepId}`);
    expect(ofWork.connectUrl).toBe(`${PUBLIC_URL}/connect/ledger?step=${ofWork.stepId}&account=work`);

    const deposited = await api.ask(user, 'POST /mcp-oauth-credentials', await consentForWork(world, user));

    expect(deposited).toMatchObject({ status: 200, body: { changed: true, resuming: 1 } });
    expect(await world.steps.result(ofWork)).toMatchObject({ status: 'success' });
    expect(await world.steps.waiting(user)).toEqual([paused.stepId]);
    expect(await api.ask(user, `GET /steps/${paused.stepId}`)).toMatchObject({
      body: { account: 'default', status: 'awaiting-input' },
    });
    expect(await api.ask(user, 'GET /mcp-oauth-credentials')).toMatchObject({
      body: {
        connections: [
          { account: 'default', status: 'reauth-required', reason: 'invalid-grant', waitingSteps: 1 },
          { account: 'work', status: 'connected', version: 2, waitingSteps: 0 },
        ],
      },
    });
    await world.users.connect(user);
    expect(await world.steps.result(paused)).toMatchObject({ status: 'success' });
    expect(callsOf(world, user)).toEqual([1, 1]);
  });

  test('are disconnected one without the other, over HTTP', async ({ api, world }) => {
    const user = await connectBoth(world);

    const answer = await api.ask(user, 'DELETE /mcp-oauth-credentials/ledger?account=work');

    expect(answer.status).toBe(204);
    expect(await api.ask(user, 'GET /list-mcp-tools?mcpServerId=ledger')).toMatchObject({ status: 200 });
    expect(await api.ask(user, 'GET /list-mcp-tools?mcpServerId=ledger&account=work')).toMatchObject({
      status: 409,
      body: {
        code: 'needs-oauth-reauth',
        account: 'work',
        connectUrl: `${PUBLIC_URL}/connect/ledger?account=work`,
      },
    });
    const paused = await startPaused(world, user, 'work');
    expect(paused).toMatchObject({ connectionReason: 'not-connected' });
    expect(await world.steps.result(await world.steps.start(user))).toMatchObject({ status: 'success' });
    await world.users.deposit(user, await consentForWork(world, user));
    expect(await world.steps.result(paused)).toMatchObject({ status: 'success' });
  });
});

describe('the account in a request to start a step', () => {
  test('makes it another request, unless it is the default one', async ({ api, world }) => {
    const user = await connectBoth(world);
    const request = { mcpServerId: 'ledger', tool: 'list_invoices', stepId: 'one' };
    const start = async (account?: string) =>
      (await api.ask(user, 'POST /steps', { ...request, ...(account && { account }) })).status;

    expect([await start(), await start('default'), await start('work')]).toEqual([202, 200, 409]);
  });

  test('is shown in lists, with and without a pause', async ({ api, world }) => {
    const user = await connectBoth(world);
    await world.steps.result(await startForWork(world, user));
    await world.steps.result(await world.steps.start(user));

    await expect
      .poll(async () => {
        const { body } = await api.ask(user, 'GET /steps?status=success');
        // The cast is safe: the API answers so.
        return (body as { steps: StepView[] }).steps.map(({ account }) => account).sort();
      })
      .toEqual(['default', 'work']);
  });
});
