import { describe, expect } from 'vitest';
import type { World } from '../support/world.ts';
import { violationsOn } from './accessibility.ts';
import { testInBrowser } from './fixtures.ts';

const test = testInBrowser({ withoutWorker: true });

async function authorizationUrl({ authorizationServer, mcpServer }: World, redirectUri: string) {
  const { clientId } = await authorizationServer.registerClient({ redirectUris: [redirectUri] });
  const url = new URL(authorizationServer.authorizationEndpoint);
  url.search = new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
    resource: mcpServer.url,
  }).toString();
  return url.href;
}

describe("the embedded authorization server's page", () => {
  test('allows for the account that is typed', async ({ world, api, page }) => {
    await page.goto(await authorizationUrl(world, `${api.url}/health`));
    await page.getByLabel('Account').fill('ada@example.com');
    await page.getByRole('button', { name: 'Sign in and allow' }).click();
    await page.waitForURL(`${api.url}/health?*`);
    expect(new URL(page.url()).searchParams.has('code')).toBe(true);
  });

  test('denies without an account', async ({ world, api, page }) => {
    await page.goto(await authorizationUrl(world, `${api.url}/health`));
    await page.getByRole('button', { name: 'Deny' }).click();
    await page.waitForURL(`${api.url}/health?*`);
    expect(new URL(page.url()).searchParams.get('error')).toBe('access_denied');
  });

  test('is accessible, also on a phone', async ({ world, api, page }) => {
    await page.setViewportSize({ width: 360, height: 640 });
    await page.goto(await authorizationUrl(world, `${api.url}/health`));
    expect(await violationsOn(page)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
  });
});
