import type { Page } from 'playwright-core';
import { createWebSessions } from '../../src/web/session-store.ts';
import type { TestApi } from '../support/api.ts';
import type { World } from '../support/world.ts';

/** A link for a user's browser, as `POST /connect-sessions` answers. */
export interface ConnectLink {
  connectSessionId: string;
  url: string;
}

/** Signs the page's browser in by a link from the API, and shows this page: by default the user's connections. */
export async function signIn(
  page: Page,
  api: TestApi,
  userId: string,
  returnTo = '/connections',
): Promise<void> {
  const { body } = await api.ask(userId, 'POST /sign-in-links', { returnTo });
  // The cast trusts the contract of the API; so do the next ones.
  await page.goto((body as { url: string }).url);
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
}

/** Signs the page's browser in as an admin, as a sign-in by OpenID Connect may do. Opens no page. */
export async function signInAsAdmin(page: Page, world: World, api: TestApi, userId = 'root'): Promise<void> {
  const value = await createWebSessions(world.services.db).begin({ userId, isAdmin: true });
  await page.context().addCookies([{ name: 'latchkey-session', value, url: api.url }]);
}

/** Asks for a link as a host does for its user. */
export async function connectLink(api: TestApi, userId: string, body: object): Promise<ConnectLink> {
  const answer = await api.ask(userId, 'POST /connect-sessions', body);
  if (answer.status !== 201) throw new Error(`no link: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body as ConnectLink;
}

/** What the host sees of a link. */
export async function sessionOf(
  api: TestApi,
  userId: string,
  { connectSessionId }: ConnectLink,
): Promise<{ status: string; label?: string; code?: string }> {
  const { body } = await api.ask(userId, `GET /connect-sessions/${connectSessionId}`);
  return body as { status: string };
}

/** Presses "Connect" on Latchkey's page, which leads to the authorization server's. */
export async function leaveToConnect(page: Page): Promise<void> {
  await page.getByRole('main').getByRole('button', { name: 'Connect', exact: true }).click();
  await page.getByLabel('Account').waitFor();
}

/** On the authorization server's page: consents as that account there. */
export async function allowAs(page: Page, account: string): Promise<void> {
  await page.getByLabel('Account').fill(account);
  await page.getByRole('button', { name: 'Sign in and allow' }).click();
}

/** The text of the page's one `h1`. */
export async function headingOf(page: Page): Promise<string> {
  return (await page.getByRole('heading', { level: 1 }).textContent()) ?? '';
}

/** The text of the page without its navigation. */
export async function mainText(page: Page): Promise<string> {
  return (await page.getByRole('main').textContent()) ?? '';
}
