import { expect } from 'vitest';
import { freePort } from '../../src/dev/embedded/free-port.ts';
import { createHeadlessBrowser } from '../../src/dev/embedded/headless-browser.ts';
import { testInWorld } from '../support/fixtures.ts';
import { jsonLines, latchkey } from './latchkey.ts';

const test = testInWorld(async () => ({
  publicUrl: `http://127.0.0.1:${await freePort()}`,
  withoutWorker: true,
}));

test('a user connects by the link that the command prints, lists the account and disconnects it', async ({
  world,
  api,
}) => {
  const user = world.users.newUser();
  const environment = { LATCHKEY_URL: api.url, LATCHKEY_TOKEN: await api.tokenOf(user) };
  const connections = (...args: string[]) => latchkey(environment, 'connections', ...args);
  const of = [world.mcpServerId, '--account', 'work'];

  const command = connections('connect', ...of, '--json');
  const { url = '' } = JSON.parse(await command.line());
  const browser = createHeadlessBrowser();
  const consentPage = await browser.press(await browser.open(url), 'Connect');
  const last = await browser.press(consentPage, 'Sign in and allow', { account: 'ada@work.example' });
  expect(last.heading).toMatch(/^Connected/);

  const connected = await command.ended;
  expect(connected.code).toBe(0);
  expect(jsonLines(connected.stdout)[1]).toMatchObject({ status: 'connected', account: 'work' });
  const list = async () => (await connections('list').ended).stdout;
  expect(await list()).toMatch(/^ledger\twork\t\S*\tconnected\t\t0\n$/);

  expect(await connections('disconnect', ...of).ended).toMatchObject({ code: 0, stderr: '' });
  expect(await list()).toBe('');
});

test('a user who refuses is told so, and the command goes on waiting', async ({ world, api }) => {
  const token = await api.tokenOf(world.users.newUser());
  const environment = { LATCHKEY_URL: api.url, LATCHKEY_TOKEN: token };
  const command = latchkey(environment, 'connections', 'connect', world.mcpServerId);
  const browser = createHeadlessBrowser();
  const consentPage = await browser.press(await browser.open(await command.line()), 'Connect');
  await browser.press(consentPage, 'Deny');

  await command.complains();
  command.kill('SIGINT');
  const { code, stdout, stderr } = await command.ended;
  expect(code).toBe(130);
  expect(stderr).toContain('Not connected: consent was refused. Still waiting');
  expect(stdout).not.toContain('onnected');
});
