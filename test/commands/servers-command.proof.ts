import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { freePort } from '../../src/dev/embedded/free-port.ts';
import type { TestApi } from '../support/api.ts';
import { testInWorld } from '../support/fixtures.ts';
import { latchkey, latchkeyWithInput } from './latchkey.ts';

const test = testInWorld(async () => ({
  publicUrl: `http://127.0.0.1:${await freePort()}`,
  withoutWorker: true,
}));
const URL_OF_SERVER = 'http://127.0.0.1:9/mcp';
const SECRET = 's3cret-of-the-server';

test('latchkey servers adds, lists, pauses and resumes a server', async ({ api }) => {
  const servers = await asAdmin(api);
  const added = await servers('add', 'notes', URL_OF_SERVER, '--title', 'Notes').ended;
  expect(added).toMatchObject({
    code: 0,
    stderr: '',
    stdout: expect.stringMatching(/^Added: notes\nConnect it: /),
  });

  expect((await servers('list').ended).stdout).toContain(`notes\tNotes\t${URL_OF_SERVER}\toauth2\tactive\n`);
  expect(await servers('pause', 'notes').ended).toMatchObject({ code: 0, stdout: 'Paused: notes\n' });
  expect((await servers('list').ended).stdout).toContain('\toauth2\tpaused\n');
  expect(await servers('resume', 'notes').ended).toMatchObject({ code: 0, stdout: 'Active: notes\n' });
});

test('latchkey servers shows and removes a server', async ({ api }) => {
  const servers = await asAdmin(api);
  await servers('add', 'files', URL_OF_SERVER, '--title', 'Files', '--scopes', 'a b').ended;
  const shown = (await servers('show', 'files').ended).stdout;
  expect(shown).toContain('server\tfiles\nstate\tactive\nauth\toauth2\nauth.scopes\ta b\n');
  const json = JSON.parse((await servers('show', 'files', '--json').ended).stdout);
  expect(json).toMatchObject({ id: 'files', title: 'Files', paused: false });

  expect(await servers('remove', 'files').ended).toMatchObject({ code: 0, stdout: 'Removed: files\n' });
  const again = await servers('remove', 'files').ended;
  expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('(unknown-server)') });
});

test('an id that is taken is replaced with --replace only', async ({ api }) => {
  const servers = await asAdmin(api);
  await servers('add', 'taken', URL_OF_SERVER, '--auth', 'none').ended;
  const refused = await servers('add', 'taken', URL_OF_SERVER, '--auth', 'none', '--title', 'New').ended;
  expect(refused).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('--replace') });
  const replaced = await servers('add', 'taken', URL_OF_SERVER, '--auth', 'none', '--replace', '--json')
    .ended;
  expect(JSON.parse(replaced.stdout)).toMatchObject({ id: 'taken', auth: { type: 'none' } });
});

test('a secret is read from a file, standard input or a variable, and never shown', async ({ api }) => {
  const environment = { ...(await adminEnvironment(api)), SERVER_TOKEN: SECRET };
  const bearer = ['servers', 'add', '--auth', 'bearer', '--replace', 'sealed', URL_OF_SERVER, '--token'];
  for (const source of [`@${await fileWith(SECRET)}`, '-', 'env:SERVER_TOKEN']) {
    const { code, stdout, stderr } = await latchkeyWithInput(`${SECRET}\n`, environment, ...bearer, source)
      .ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).not.toContain(SECRET);
  }
  const refused = await latchkey(environment, ...bearer, SECRET).ended;
  expect(refused).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('--token takes no secret itself'),
  });
  expect(refused.stderr).not.toContain(SECRET);
});

test('a user who is no admin is told which scope is missing', async ({ api }) => {
  const environment = { LATCHKEY_URL: api.url, LATCHKEY_TOKEN: await api.tokenOf('ada') };
  const { code, stderr } = await latchkey(environment, 'servers', 'list').ended;
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('latchkey:admin') });
});

async function asAdmin(api: TestApi) {
  const environment = await adminEnvironment(api);
  return (...args: string[]) => latchkey(environment, 'servers', ...args);
}

async function adminEnvironment(api: TestApi): Promise<Record<string, string>> {
  return { LATCHKEY_URL: api.url, LATCHKEY_TOKEN: await api.tokenOf('admin', 'latchkey:admin') };
}

async function fileWith(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-secret-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'secret');
  await writeFile(path, `${text}\n`);
  return path;
}
