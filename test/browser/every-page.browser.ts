import type { Page } from 'playwright-core';
import { describe, expect, vi } from 'vitest';
import type { TestApi } from '../support/api.ts';
import type { World } from '../support/world.ts';
import { violationsOn } from './accessibility.ts';
import { testInBrowser } from './fixtures.ts';
import { allowAs, connectLink, leaveToConnect, signIn } from './people.ts';
import { SERVER_PAGES } from './server-pages.ts';
import { STEP_PAGES } from './step-pages.ts';
import { openStep } from './step-scenes.ts';

const test = testInBrowser({ initialScope: 'openid email mcp:tools' });

interface Scene {
  world: World;
  api: TestApi;
  page: Page;
  user: string;
}

async function connect({ world, api, page, user }: Scene, as: string): Promise<void> {
  const { url } = await connectLink(api, user, { mcpServerId: world.mcpServerId });
  await page.goto(url);
  await leaveToConnect(page);
  await allowAs(page, as);
  await page.waitForURL(/\/outcome$/);
}

async function waitingStep({ world, user }: Scene): Promise<void> {
  const { stepId } = await world.steps.start(user);
  await world.steps.until(user, stepId, 'awaiting-input');
}

/** Loads the page until it shows this: Temporal's lists lag behind. */
async function untilShown(page: Page, selector: string): Promise<void> {
  await vi.waitFor(
    async () => {
      await page.reload();
      expect(await page.locator(selector).count()).toBeGreaterThan(0);
    },
    { timeout: 30_000 },
  );
}

/** Every page that a user can meet, by its name, and the way there. */
const PAGES: Record<string, (scene: Scene) => Promise<unknown>> = {
  'sign-in': ({ api, page }) => page.goto(`${api.url}/sign-in`),
  'not-signed-in': ({ api, page }) => page.goto(`${api.url}/sign-in-links/${'A'.repeat(43)}`),
  'signed-out': async ({ api, page, user }) => {
    await signIn(page, api, user);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByText('You are signed out.').waitFor();
  },
  'unknown-address': async ({ api, page, user }) => {
    await signIn(page, api, user);
    await page.goto(`${api.url}/nowhere/at/all`);
    await page.getByText('There is nothing at this address.').waitFor();
  },
  'switch-user': async ({ world, api, page, user }) => {
    await signIn(page, api, world.users.newUser());
    const { body } = await api.ask(user, 'POST /sign-in-links', {});
    // The cast trusts the contract of the API.
    await page.goto((body as { url: string }).url);
  },
  home: async (scene) => {
    const { world, api, page, user } = scene;
    const long = 'x'.repeat(250);
    const asking = { mode: 'automated-with-confirmation' } as const;
    await world.users.connect(user);
    await world.steps.start(user, { ...asking, title: `فاتورة <b>${long.slice(0, 200)}` });
    await world.steps.start(user, { tool: long, account: long });
    await world.steps.start(user, { ...asking, stepId: 'last' });
    await world.steps.until(user, 'last', 'awaiting-input');
    await signIn(page, api, user, '/');
    await untilShown(page, '[data-step-id="last"] [data-status="awaiting-input"]');
  },
  'home-filtered': async (scene) => {
    await waitingStep(scene);
    await signIn(scene.page, scene.api, scene.user, '/?status=skipped&cursor=nonsense');
  },
  'connections-none': ({ api, page, user }) => signIn(page, api, user),
  'connections-connected': async ({ world, api, page, user }) => {
    await world.users.connect(user);
    await signIn(page, api, user);
  },
  'connections-reauth-required': async (scene) => {
    const { world, api, page, user } = scene;
    await world.users.connect(user);
    world.authorizationServer.control.revokeGrants(user);
    await waitingStep(scene);
    await signIn(page, api, user);
  },
  'connections-two': async ({ world, api, page, user }) => {
    const deposit = await world.users.consent(user);
    await world.users.deposit(user, { ...deposit, label: 'ada@example.com' });
    const second = await world.users.consent(user);
    await world.users.deposit(user, {
      ...second,
      account: 'work',
      label: 'ada.lovelace@a-long-name.example',
    });
    await signIn(page, api, user);
  },
  disconnect: async ({ world, api, page, user }) => {
    await world.users.connect(user);
    await signIn(page, api, user);
    await page.getByRole('button', { name: 'Disconnect' }).click();
    await page.getByRole('link', { name: 'Keep it' }).waitFor();
  },
  connect: async (scene) => {
    const { world, api, page, user } = scene;
    await waitingStep(scene);
    await page.goto((await connectLink(api, user, { mcpServerId: world.mcpServerId })).url);
  },
  'connect-without-link': ({ world, api, page }) => page.goto(`${api.url}/connect/${world.mcpServerId}`),
  'connect-unknown-server': ({ api, page }) => page.goto(`${api.url}/connect/nowhere`),
  'connect-broken-link': ({ world, api, page }) =>
    page.goto(`${api.url}/connect/${world.mcpServerId}?step=a&step=b`),
  'connect-forged-link': ({ world, api, page }) =>
    page.goto(`${api.url}/connect/${world.mcpServerId}?link=${'A'.repeat(43)}`),
  connected: async (scene) => {
    await waitingStep(scene);
    await connect(scene, 'ada@example.com');
  },
  denied: async ({ world, api, page, user }) => {
    await page.goto((await connectLink(api, user, { mcpServerId: world.mcpServerId })).url);
    await leaveToConnect(page);
    await page.getByRole('button', { name: 'Deny' }).click();
    await page.waitForURL(/\/outcome$/);
  },
  'another-account': async (scene) => {
    await connect(scene, 'ada@example.com');
    await connect(scene, 'bob@example.com');
  },
  'awaiting-confirmation': async (scene) => {
    const { world, api, page, user } = scene;
    const { url } = await connectLink(api, user, { mcpServerId: world.mcpServerId, confirm: 'host' });
    await page.goto(url);
    await leaveToConnect(page);
    await allowAs(page, 'ada@example.com');
    await page.waitForURL(/\/outcome$/);
  },
  'connected-from-a-step': async (scene) => {
    const { world, api, page, user } = scene;
    const { stepId } = await world.steps.start(user, { title: 'Invoice for ACME' });
    await world.steps.until(user, stepId, 'awaiting-input');
    await openStep(page, api, user, stepId);
    await page.getByRole('link', { name: 'Connect', exact: true }).click();
    await leaveToConnect(page);
    await allowAs(page, 'ada@example.com');
    await page.getByRole('link', { name: 'Go to the step' }).waitFor();
  },
  'connections-missing': async (scene) => {
    await waitingStep(scene);
    await signIn(scene.page, scene.api, scene.user);
  },
  'start-servers': async ({ api, page, user }) => {
    await signIn(page, api, user);
    await page.goto(`${api.url}/start`);
  },
  'start-connected': async ({ world, api, page, user }) => {
    await world.users.connect(user);
    await signIn(page, api, user);
    await page.goto(`${api.url}/start`);
  },
  'start-tools': async ({ world, api, page, user }) => {
    await world.users.connect(user);
    await signIn(page, api, user);
    await page.goto(`${api.url}/start?server=${world.mcpServerId}`);
  },
  'start-not-connected': async ({ world, api, page, user }) => {
    await signIn(page, api, user);
    await page.goto(`${api.url}/start?server=${world.mcpServerId}`);
  },
  'start-unknown-server': async ({ api, page, user }) => {
    await signIn(page, api, user);
    await page.goto(`${api.url}/start?server=nowhere`);
  },
  'start-form': async ({ world, api, page, user }) => {
    await world.users.connect(user);
    await signIn(page, api, user);
    await page.goto(`${api.url}/start?server=${world.mcpServerId}&tool=create_invoice`);
  },
  'start-json': async ({ world, api, page, user }) => {
    await world.users.connect(user);
    await signIn(page, api, user);
    await page.goto(`${api.url}/start?server=${world.mcpServerId}&tool=create_invoice&view=json`);
  },
  'start-complaints': async ({ world, api, page, user }) => {
    await world.users.connect(user);
    await signIn(page, api, user);
    await page.goto(`${api.url}/start?server=${world.mcpServerId}&tool=create_invoice`);
    await page.getByLabel('customer').fill('Ada');
    await page.getByLabel('amount').fill('many');
    await page.getByRole('button', { name: 'Start step' }).click();
    await page.getByRole('alert').waitFor();
  },
  ...SERVER_PAGES,
  ...STEP_PAGES,
  'unknown-callback': ({ api, page }) => page.goto(`${api.url}/oauth/callback?state=x&code=y`),
};

/** The same page as different people see it. */
const SCREENS = [
  { name: 'a desktop', width: 1280, height: 720, colorScheme: 'light' },
  // The smallest phones in use.
  { name: 'a phone', width: 360, height: 640, colorScheme: 'light' },
  { name: 'a dark screen', width: 1280, height: 720, colorScheme: 'dark' },
] as const;

// Where it is set, every page is written to this folder as a picture, for a person who changes the pages.
const PICTURES = process.env.LATCHKEY_TEST_PICTURES;

describe('every page', () => {
  test.for(Object.entries(PAGES))(
    '%s is accessible and fits every screen',
    async ([name, open], { world, api, page }) => {
      await open({ world, api, page, user: world.users.newUser() });
      expect(await page.locator('h1').count()).toBe(1);
      expect(await page.getByRole('main').count()).toBe(1);
      expect(await page.getByRole('navigation').count()).toBe(1);
      for (const { name: screen, colorScheme, ...size } of SCREENS) {
        await page.setViewportSize(size);
        await page.emulateMedia({ colorScheme });
        if (PICTURES) await page.screenshot({ path: `${PICTURES}/${name} on ${screen}.png`, fullPage: true });
        expect(await violationsOn(page), screen).toEqual([]);
        expect(await page.evaluate('document.documentElement.scrollWidth'), screen).toBeLessThanOrEqual(
          size.width,
        );
      }
    },
  );
});
