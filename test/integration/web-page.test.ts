import { randomBytes } from 'node:crypto';
import { expect, onTestFinished } from 'vitest';
import { type OidcConfig, Secret } from '../../src/config/load-config.ts';
import { freePort } from '../../src/dev/embedded/free-port.ts';
import { createLogger } from '../../src/logging/logger.ts';
import { startServer } from '../../src/server.ts';
import { hiddenFields } from '../http/browser-client.ts';
import { testInWorld } from '../support/fixtures.ts';
import type { World } from '../support/world.ts';

const test = testInWorld();

async function serve(
  world: World,
  { development, oidc }: { development?: { userId: string }; oidc?: OidcConfig } = {},
) {
  const port = await freePort();
  const publicUrl = `http://127.0.0.1:${port}`;
  const server = await startServer(
    {
      ...world.config,
      publicUrl,
      host: '127.0.0.1',
      port,
      returnOrigins: [],
      drainDelaySeconds: 0,
      codecOrigins: [],
      trustedProxies: [],
      rateLimits: { perUser: 6_000, perAddress: 6_000, perService: 60_000, signIns: 60, connects: 10 },
      jwtUserClaim: 'sub',
      oidc,
      jwt: { kind: 'secret', secret: new Secret(randomBytes(32)) },
    },
    createLogger({ level: 'silent' }),
    development,
  );
  onTestFinished(() => server.shutdown());
  return publicUrl;
}

const cookiesOf = (response: Response) =>
  response.headers.getSetCookie().map((cookie) => cookie.split(';')[0]);

test('a server with a development user signs a browser in, and shows its connections', async ({ world }) => {
  const publicUrl = await serve(world, { development: { userId: 'dev' } });
  const page = await fetch(`${publicUrl}/sign-in`);
  const fields = hiddenFields(await page.text(), '/sign-in');
  expect(fields).toMatchObject({ user: 'dev' });
  const browser = cookiesOf(page);
  const signedIn = await fetch(`${publicUrl}/sign-in`, {
    method: 'POST',
    body: new URLSearchParams(fields),
    headers: { cookie: browser.join('; '), origin: publicUrl },
    redirect: 'manual',
  });
  expect(signedIn.status).toBe(303);
  const cookie = [...browser, ...cookiesOf(signedIn)].join('; ');
  const connections = await (await fetch(`${publicUrl}/connections`, { headers: { cookie } })).text();
  expect(connections).toContain('<h1>Connections</h1>');
  expect(connections).toContain(`data-server-id="${world.mcpServerId}"`);
});

test('a server without one, as `latchkey server` is, offers no sign-in', async ({ world }) => {
  const page = await (await fetch(`${await serve(world)}/sign-in`)).text();
  expect(page).not.toContain('<form');
});

test('a server with an OpenID provider leaves for it', async ({ world }) => {
  const oidc: OidcConfig = {
    issuer: world.authorizationServer.issuer,
    clientId: 'web',
    clientSecret: new Secret('s'),
    scopes: 'openid',
    userClaim: 'sub',
    admin: undefined,
  };
  const publicUrl = await serve(world, { oidc, development: { userId: 'dev' } });
  const page = await fetch(`${publicUrl}/sign-in`);
  const left = await fetch(`${publicUrl}/sign-in`, {
    method: 'POST',
    body: new URLSearchParams(hiddenFields(await page.text(), '/sign-in')),
    headers: { cookie: cookiesOf(page).join('; '), origin: publicUrl },
    redirect: 'manual',
  });
  expect(left.status).toBe(303);
  expect(left.headers.get('location')).toContain(world.authorizationServer.authorizationEndpoint);
});
