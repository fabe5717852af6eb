import { afterAll, describe, expect, vi } from 'vitest';
import { createConnectFlow } from '../../src/connect/connect-flow.ts';
import { depositCredential } from '../../src/credentials/deposit/deposit-credential.ts';
import { followAuthorization } from '../../src/dev/embedded/authorize-headlessly.ts';
import { createServerStore } from '../../src/servers/server-store.ts';
import { createStepClient } from '../../src/steps/step-client.ts';
import { testInWorld } from '../support/fixtures.ts';
import { readableTextOf as textOf } from '../support/page-text.ts';
import type { World } from '../support/world.ts';
import { CONNECT_URL, type ConnectFixture, createConnectFixture, headingOf } from './connect-fixture.ts';

const CALLBACK = `${CONNECT_URL}/oauth/callback`;

const test = testInWorld();
let fixture: ConnectFixture;

test.beforeAll(async ({ world }) => {
  fixture = await createConnectFixture(dependenciesOn(world));
});

afterAll(() => fixture.close());

/** The pages over a world's database and Temporal. */
function dependenciesOn({ services, temporal, config }: World) {
  const { pool, vault, workflows } = services;
  const depositing = {
    ...services,
    refuseAddress: () => undefined,
    startResumption: workflows.startResumption,
  };
  return {
    servers: createServerStore(pool, vault),
    steps: createStepClient({ client: temporal.client, taskQueue: config.taskQueue }),
    connect: createConnectFlow({
      ...services,
      publicUrl: CONNECT_URL,
      returnOrigins: [],
      version: '0.0.0-test',
      deposit: (...deposit) => depositCredential(depositing, ...deposit),
    }),
  };
}

describe('steps that wait for a connection', () => {
  test('go on after the consent, and the page lists them', async ({ world }) => {
    const user = world.users.newUser();
    const titled = await world.steps.start(user, { title: 'Send the <March> invoice' });
    const untitled = await world.steps.start(user);
    for (const { stepId } of [titled, untitled]) await world.steps.until(user, stepId, 'awaiting-input');
    const link = await fixture.link(world.mcpServerId, {}, user);
    const browser = fixture.browser();
    const page = await browser.open(link.url.slice(CONNECT_URL.length));
    expect(textOf(page.body)).toContain('2 paused steps go on');

    const away = await fixture.press(browser, link.url);
    const end = await fixture.comeBack(browser, await followAuthorization(away, CALLBACK, user));

    expect(headingOf(end)).toMatch(/^Connected/);
    expect(textOf(end.body)).toContain('Send the <March> invoice');
    expect(textOf(end.body)).toContain('create_invoice');
    for (const { stepId } of [titled, untitled]) expect(end.body).toContain(`data-step-id="${stepId}"`);
    for (const step of [titled, untitled]) {
      await expect(world.steps.result(step)).resolves.toMatchObject({ status: 'success' });
    }
    // A reload shows the same.
    expect(textOf((await browser.open(`/connect-sessions/${link.connectSessionId}/outcome`)).body)).toContain(
      'Send the <March> invoice',
    );
  });

  test('are shown finishing, each with its status', async ({ world }) => {
    const user = world.users.newUser();
    const hold = world.mcpServer.control.interceptTools({ do: 'hold-before-execution' }, { user, times: 2 });
    const steps = [await world.steps.start(user, { title: 'Held' }), await world.steps.start(user)];
    for (const { stepId } of steps) await world.steps.until(user, stepId, 'awaiting-input');
    const link = await fixture.link(world.mcpServerId, {}, user);
    const browser = fixture.browser();
    const away = await fixture.press(browser, link.url);
    await fixture.comeBack(browser, await followAuthorization(away, CALLBACK, user));
    const outcome = `/connect-sessions/${link.connectSessionId}/outcome`;
    const seen = async (who = browser) => (await who.open(outcome)).body;

    await vi.waitFor(
      async () => expect(await seen()).toMatch(/data-step-id[^>]*>.*Held.*data-status="running"/),
      { timeout: 20_000 },
    );
    const running = await seen();
    expect(textOf(running)).toContain('0 of 2 have finished');
    expect(textOf(running)).toContain('Refresh');
    // A browser that is not signed in gets no events, and no links to pages that it may not open.
    expect(running).toContain('data-refresh-seconds="2"');
    expect(running).not.toContain('data-events');
    expect(running).not.toContain('/step/');
    // Its script looks again less often the longer it is open, and then stops.
    const openFor = async (seconds: number) =>
      (await browser.open(outcome, { 'latchkey-refresh': String(seconds) })).body;
    expect(await openFor(10)).toContain('data-refresh-seconds="2"');
    expect(await openFor(125)).toContain('data-refresh-seconds="12"');
    expect(await openFor(599)).toContain('data-refresh-seconds="30"');
    const stopped = await openFor(600);
    expect(stopped).not.toContain('data-refresh-seconds');
    expect(stopped).toContain(`<a href="${outcome}">Check again</a>`);
    const signedIn = await fixture.signedIn(user);
    const ofUser = await seen(signedIn);
    expect(ofUser).not.toContain('data-refresh-seconds');
    expect(ofUser).toContain('data-events');
    expect(ofUser).toContain(`href="/step/${steps[0]?.stepId}"`);

    hold.release();
    for (const step of steps) await world.steps.result(step);
    const ended = await seen();
    expect(textOf(ended)).toContain('2 of 2 have finished');
    expect(ended.match(/data-status="success"/g)).toHaveLength(2);
    expect(ended).not.toContain('data-refresh-seconds');
    expect(textOf(ended)).not.toContain('Refresh');
  });

  test('keep their ids on the page while Temporal does not answer', async ({ world }) => {
    const user = world.users.newUser();
    const step = await world.steps.start(user);
    await world.steps.until(user, step.stepId, 'awaiting-input');
    const away = { ...dependenciesOn(world).steps, summarize: () => Promise.reject(new Error('away')) };
    const apart = await createConnectFixture({ ...dependenciesOn(world), steps: away });
    try {
      const link = await apart.link(world.mcpServerId, {}, user);
      const browser = apart.browser();
      const to = await apart.press(browser, link.url);
      const page = await apart.comeBack(browser, await followAuthorization(to, CALLBACK, user));
      expect(page.statusCode).toBe(200);
      expect(textOf(page.body)).toContain('Their statuses can’t be read at the moment.');
      expect(page.body).toContain(`data-step-id="${step.stepId}"`);
      expect(page.body).toContain('data-refresh-seconds');
    } finally {
      await apart.close();
    }
  });

  test('ask together for what was consented to before and for the scopes that they need', async ({
    world,
  }) => {
    const user = world.users.newUser();
    await world.users.connect(user, { scope: 'mcp:tools' });
    const step = await world.steps.start(user, { tool: 'export_ledger', arguments: {} });
    await world.steps.until(user, step.stepId, 'awaiting-input');
    const link = await fixture.link(world.mcpServerId, {}, user);
    const browser = fixture.browser();

    const away = await fixture.press(browser, link.url);
    const scopes = (away.searchParams.get('scope') ?? '').split(' ');
    expect(scopes).toEqual(expect.arrayContaining(['mcp:tools', 'ledger:export']));
    await fixture.comeBack(browser, await followAuthorization(away, CALLBACK, user));

    await expect(world.steps.result(step)).resolves.toMatchObject({ status: 'success' });
  });

  test("are not another account's", async ({ world }) => {
    const user = world.users.newUser();
    const step = await world.steps.start(user);
    await world.steps.until(user, step.stepId, 'awaiting-input');
    const link = await fixture.link(world.mcpServerId, { account: 'work' }, user);
    const browser = fixture.browser();
    const away = await fixture.press(browser, link.url);
    const end = await fixture.comeBack(browser, await followAuthorization(away, CALLBACK, user));
    expect(textOf(end.body)).toContain('No step was waiting for this connection.');
    expect(await world.steps.waiting(user)).toEqual([step.stepId]);
  });
});
