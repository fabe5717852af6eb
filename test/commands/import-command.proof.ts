import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, onTestFinished } from 'vitest';
import { httpTestWith } from '../http/fixtures.ts';
import { createHttpFixture, DEPOSIT, registerServer, token } from '../http/http-fixture.ts';
import { serveHttp } from '../net/loopback-server.ts';
import { LATCHKEY } from '../support/child-process.ts';
import { testInWorld } from '../support/fixtures.ts';
import { ADA, CREDS_KEY, client, document } from './import/librechat-export.ts';
import { jsonLines, latchkeyWithInput } from './latchkey.ts';
import { problem, type ScriptedAnswer, startScriptedApi } from './scripted-api.ts';

const ACTING = 'latchkey:act-for-users';
const DEPOSIT_ROUTE = 'POST /mcp-oauth-credentials';
const STORED = { stored: true, changed: true, version: 1, resuming: 0 };

const test = httpTestWith(async () => {
  const fixture = await createHttpFixture();
  await registerServer(fixture, 'notes');
  return fixture;
})
  /** Imports lines as the backend `shop`, which may act for users. */
  .extend('importing', async ({ port }) => {
    const bearer = await token({ sub: 'shop', scope: ACTING });
    return (lines: readonly (object | string)[], ...args: string[]) =>
      importInto(`http://127.0.0.1:${port}`, lines, args, { LATCHKEY_TOKEN: bearer });
  })
  .extend('connections', ({ fixture }) => async (user: string) => {
    const { connections } = (await fixture.ask({ url: '/mcp-oauth-credentials', user })).json();
    return connections;
  });

function importInto(
  url: string,
  lines: readonly (object | string)[],
  args: readonly string[] = [],
  environment: Record<string, string> = {},
) {
  const input = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n');
  const variables = { LATCHKEY_URL: url, LATCHKEY_TOKEN: 'token-of-shop', ...environment };
  return latchkeyWithInput(input, variables, 'connections', 'import', ...args);
}

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'latchkey-import-'));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

const of = (userId: string, changes: object = {}) => ({ ...DEPOSIT, userId, ...changes });

describe('latchkey connections import', () => {
  test('stores the good lines, names the bad ones without a value, and does only those again', async ({
    importing,
    connections,
  }) => {
    const failed = join(await folder(), 'failed');
    const lines = [
      of('a1'),
      of('a2', { refreshToken: 'top-secret', tokenEndpoint: 'top-secret', extra: 'top-secret' }),
      '{"refreshToken": "top-secret',
      of('a3', { mcpServerId: 'top-secret' }),
      of('a4', { tokenEndpoint: 'https://127.0.0.1/top-secret' }),
      DEPOSIT,
    ];
    const first = await importing(lines, '--own', '--failed-lines', failed).ended;

    expect(first).toMatchObject({ code: 1, stdout: 'stored 2, already connected 0, failed 4.\n' });
    expect(first.stderr.split('\n').sort()).toEqual([
      '',
      'line 2: invalid-request: tokenEndpoint must be a URL; extra is not a known field',
      'line 3: invalid-json: The line is not a JSON object.',
      'line 4: unknown-server: No MCP server is registered under this id.',
      expect.stringMatching(/^line 5: invalid-request: tokenEndpoint /),
    ]);
    expect(JSON.stringify(first)).not.toContain('top-secret');
    expect(await connections('a1')).toMatchObject([{ status: 'connected', version: 1 }]);
    expect(await connections('shop')).toHaveLength(1);
    expect((await readFile(failed, 'utf8')).split('\n').sort()).toEqual(['', '2', '3', '4', '5']);

    const corrected = lines.map((line, index) => (index === 1 ? of('a2') : index === 3 ? of('a3') : line));
    const second = await importing(corrected, '--own', '--only-lines', failed, '--json').ended;
    expect(second.code).toBe(1);
    expect(jsonLines(second.stdout)).toMatchObject([
      { line: 3, outcome: 'failed', code: 'invalid-json', errors: [] },
      { line: 5, outcome: 'failed', code: 'invalid-request', errors: [{ path: 'tokenEndpoint' }] },
      { stored: 2, alreadyConnected: 0, failed: 2, complete: true },
    ]);
  });

  test('leaves what is connected, unless with --replace', async ({ importing, connections }) => {
    const lines = [of('b1'), of('b2')];
    await importing(lines).ended;
    const newer = lines.map((line) => ({ ...line, refreshToken: 'newer' }));
    const again = await importing(newer).ended;
    expect(again).toMatchObject({
      code: 0,
      stdout: 'stored 0, already connected 2, failed 0.\n',
      stderr: '',
    });
    expect(await connections('b1')).toMatchObject([{ version: 1 }]);

    const replaced = await importing(newer, '--replace').ended;
    expect(replaced).toMatchObject({ code: 0, stdout: 'stored 2, already connected 0, failed 0.\n' });
    expect(await connections('b1')).toMatchObject([{ version: 2 }]);
    const same = await importing(newer, '--replace').ended;
    expect(same.stdout).toBe('stored 0, unchanged 2, already connected 0, failed 0.\n');
  });

  test.for([[], ['--replace']])(
    'leaves what was disconnected since %j',
    async (args, { importing, fixture }) => {
      const user = `g${args.length}`;
      await importing([of(user)]).ended;
      await fixture.ask({ method: 'DELETE', url: '/mcp-oauth-credentials/notes', user });
      const again = await importing([of(user)], ...args).ended;
      expect(again).toMatchObject({
        code: 0,
        stdout: 'stored 0, already connected 0, disconnected 1, failed 0.\n',
      });
    },
  );

  test('stores nothing in a dry run, and says what would happen', async ({ importing, connections }) => {
    await importing([of('c1')]).ended;
    const lines = [of('c1'), of('c2'), of('c3', { mcpServerId: 'nowhere' }), of('c4', { scopes: 7 })];
    const dry = await importing(lines, '--dry-run').ended;
    expect(dry).toMatchObject({
      code: 1,
      stdout: 'would be stored 1, already connected 1, failed 2.\n',
      stderr: expect.stringContaining('line 3: unknown-server'),
    });
    expect(await connections('c2')).toEqual([]);
  });

  test('lets the first of two lines of a connection win', async ({ importing, connections }) => {
    const twice = Array.from({ length: 20 }, (_, index) => [
      of(`d${index}`, { label: 'first' }),
      of(`d${index}`, { label: 'second', refreshToken: 'other' }),
    ]).flat();
    const { stdout } = await importing(twice, '--concurrency', '20').ended;
    expect(stdout).toBe('stored 20, already connected 20, failed 0.\n');
    for (let index = 0; index < 20; index++) {
      expect(await connections(`d${index}`)).toMatchObject([{ label: 'first' }]);
    }
  });

  test('begins at the line of --resume-from', async ({ importing, connections }) => {
    const lines = [of('e1'), '', of('e3')];
    expect((await importing(lines, '--resume-from', '3').ended).stdout).toContain('stored 1,');
    expect([await connections('e1'), await connections('e3')]).toMatchObject([[], [{ version: 1 }]]);
  });

  test('reads an export of LibreChat', async ({ importing, fixture, connections, port }) => {
    const bearer = await token({ sub: 'shop', scope: ACTING });
    const lines = [
      document('mcp_oauth', 'at-1', { server: 'notes' }),
      client({ server: 'notes', metadata: { token_endpoint: DEPOSIT.tokenEndpoint } }),
      document('mcp_oauth_refresh', 'rt-1', { server: 'notes' }),
    ];
    const environment = { LATCHKEY_TOKEN: bearer, CREDS_KEY };
    const args = ['--from', 'librechat'];
    const imported = await importInto(`http://127.0.0.1:${port}`, lines, args, environment).ended;
    expect(imported).toMatchObject({ code: 0, stdout: 'stored 1, already connected 0, failed 0.\n' });
    expect(await connections(ADA)).toMatchObject([{ mcpServerId: 'notes', status: 'connected' }]);
    expect(fixture.logged()).not.toMatch(/rt-1|at-1/);
    const keyless = await importing(lines, '--from', 'librechat').ended;
    expect(keyless).toMatchObject({ code: 1, stderr: expect.stringContaining('CREDS_KEY') });
  });

  test('reads an export of Nango, with the client of a map file', async ({ importing, connections }) => {
    const path = join(await folder(), 'map.json');
    const target = { mcpServerId: 'notes', clientId: 'app', clientSecret: 'app-secret' };
    await writeFile(path, JSON.stringify({ 'notes-prod': target }));
    const connection = {
      provider_config_key: 'notes-prod',
      tags: { end_user_id: 'nan' },
      credentials: { type: 'OAUTH2', access_token: 'at-1', refresh_token: 'rt-1' },
    };
    const args = ['--from', 'nango', '--map-file', path, '--token-endpoint', DEPOSIT.tokenEndpoint];
    expect(await importing([connection], ...args).ended).toMatchObject({ code: 0, stderr: '' });
    expect(await connections('nan')).toMatchObject([{ mcpServerId: 'notes', status: 'connected' }]);

    await writeFile(
      path,
      JSON.stringify({ 'notes-prod': { ...target, clientSecret: 7, secret: 'app-secret' } }),
    );
    const refused = await importing([connection], ...args).ended;
    expect(refused.stderr).toMatch(/^--map-file: .*clientSecret must be a text.*secret is not a known field/);
    expect(refused.stderr).not.toContain('app-secret');
  });
});

describe('an import that meets a busy or broken API', () => {
  const scripted = async (answers: ScriptedAnswer[]) => {
    const api = await startScriptedApi({ [DEPOSIT_ROUTE]: answers });
    onTestFinished(api.close);
    return api;
  };

  test('asks again until a line is answered', async () => {
    const busy = problem(429, 'too-many-requests', 'Too many.');
    const away = problem(503, 'database-unavailable', 'The database is away.');
    const { url, requests } = await scripted([busy, away, [200, STORED]]);
    expect(await importInto(url, [of('a')]).ended).toMatchObject({ code: 0, stderr: '' });
    expect(requests).toHaveLength(3);
    expect(requests[0]).toContain('"onlyIfAbsent":true,"validateOnly":false');
    expect(requests[0]).not.toContain('userId');
  });

  test('waits for as long as it is told to', async () => {
    const times: number[] = [];
    const { url, close } = await serveHttp((request, response) => {
      times.push(performance.now());
      request.resume();
      const isFirst = times.length === 1;
      response.writeHead(isFirst ? 429 : 200, {
        'content-type': 'application/json',
        ...(isFirst && { 'retry-after': '3' }),
      });
      const [, busy] = problem(429, 'too-many-requests', 'Too many.');
      response.end(JSON.stringify(isFirst ? busy : STORED));
    });
    onTestFinished(close);
    expect(await importInto(url, [of('a')]).ended).toMatchObject({ code: 0 });
    const [first = 0, second = 0] = times;
    expect(second - first).toBeGreaterThanOrEqual(3_000);
  });

  test.for([
    ['an expired token', problem(401, 'unauthenticated', 'The token has expired.'), 'The token has expired.'],
    ['a token that may not act', problem(403, 'forbidden', 'No.'), 'latchkey:act-for-users'],
    ['another server', [404, { nothing: 'ours' }] satisfies ScriptedAnswer, "is not Latchkey's API"],
  ] as const)('stops at %s, and says where to go on', async ([, refusal, said]) => {
    const { url, requests } = await scripted([[200, STORED], refusal as ScriptedAnswer]);
    const lines = ['a', 'b', 'c', 'd'].map((user) => of(user));
    const { code, stderr, stdout } = await importInto(url, lines, ['--concurrency', '1']).ended;
    expect({ code, stdout }).toEqual({ code: 1, stdout: 'stored 1, already connected 0, failed 0.\n' });
    expect(stderr).toContain('Go on with --resume-from 2\n');
    expect(stderr).toContain(said);
    expect(requests).toHaveLength(2);
  });

  test('says where to go on after Ctrl-C, once the requests under way are answered', async () => {
    const { url } = await scripted([
      [200, STORED],
      problem(503, 'database-unavailable', 'The database is away.'),
    ]);
    const variables = { LATCHKEY_URL: url, LATCHKEY_TOKEN: 't' };
    // Standard input stays open, as that of an export which goes on.
    const child = spawn(process.execPath, [LATCHKEY, 'connections', 'import', '--json'], { env: variables });
    const [stdout, stderr] = [text(child.stdout), text(child.stderr)];
    child.stdin.write(`${JSON.stringify(of('a', { refreshToken: '' }))}\n`);
    await once(child.stdout, 'readable');
    child.stdin.write(['b', 'c'].map((user) => `${JSON.stringify(of(user))}\n`).join(''));
    child.kill('SIGINT');
    const [code] = await once(child, 'exit');
    expect(code).toBe(130);
    const { resumeFrom, complete } = jsonLines(await stdout).at(-1) ?? {};
    expect(complete).toBe(false);
    expect([2, 3]).toContain(resumeFrom);
    expect(await stderr).toContain(`Go on with --resume-from ${resumeFrom}\n`);
  });

  const connected = problem(409, 'already-connected', 'It is connected.');
  const many = Array.from({ length: 2_000 }, (_, index) => of(`u${index}`));

  test('stops when its output is read no more, and says where to go on', async () => {
    const { url, requests } = await scripted([connected]);
    const variables = { LATCHKEY_URL: url, LATCHKEY_TOKEN: 't' };
    const child = spawn(process.execPath, [LATCHKEY, 'connections', 'import', '--json'], { env: variables });
    const stderr = text(child.stderr);
    child.stdin.on('error', () => {});
    child.stdin.end(many.map((line) => `${JSON.stringify(line)}\n`).join(''));
    child.stdout.once('data', () => child.stdout.destroy());
    const [code] = await once(child, 'exit');
    expect(code).toBe(1);
    expect(await stderr).toMatch(/^Go on with --resume-from \d+\n$/);
    expect(requests.length).toBeLessThan(many.length);
  });

  test('stops when the file of failed lines is full', async () => {
    const { url } = await scripted([connected]);
    const lines = many.flatMap((line) => ['{', line]);
    const full = await importInto(url, lines, ['--failed-lines', '/dev/full']).ended;
    expect(full.code).toBe(1);
    expect(full.stderr).toMatch(/Go on with --resume-from \d+\n.*\/dev\/full can't be written \(ENOSPC\)/);
  });

  test('adds to the file of failed lines when it goes on', async () => {
    const { url } = await scripted([connected]);
    const failed = join(await folder(), 'failed');
    const args = ['--failed-lines', failed];
    await importInto(url, ['{', '{'], args).ended;
    await importInto(url, ['{', '{', '{'], [...args, '--resume-from', '3']).ended;
    expect(await readFile(failed, 'utf8')).toBe('1\n2\n3\n');
    const other = join(failed, '..', '.', 'link');
    await symlink(failed, other);
    const same = await importInto(url, ['{'], ['--only-lines', other, ...args]).ended;
    expect(same.stderr).toContain('another file');
    expect(await readFile(failed, 'utf8')).toBe('1\n2\n3\n');
  });

  test.for([
    [['--concurrency', '0'], '1 to 100'],
    [['--resume-from', '0'], 'at least 1'],
    [['--from', 'elsewhere'], 'nango, librechat'],
    [['--map', 'a=b'], '--map needs --from'],
    [['--from', 'nango', '--client-secret', 'top-secret'], 'takes no secret itself'],
    [['--from', 'nango', '--client-secret', '-'], 'standard input has the connections'],
    [['--from', 'nango', '--own'], '--own is not possible'],
  ] as const)('refuses %j and sends nothing', async ([args, said]) => {
    const api = await scripted([[200, STORED]]);
    const { code, stderr } = await importInto(api.url, [of('a')], args).ended;
    expect(code).toBe(1);
    expect(stderr).toContain(said);
    expect(stderr).not.toContain('top-secret');
    expect(api.requests).toEqual([]);
  });
});

const worldTest = testInWorld();

worldTest(
  'an imported grant works, and a second import does not undo its renewals',
  async ({ world, api }) => {
    const user = world.users.newUser();
    const { accessToken: _, expiresIn: __, ...exported } = await world.users.consent(user);
    const bearer = await api.tokenOf('shop', ACTING);
    const importing = (...args: string[]) =>
      importInto(api.url, [{ ...exported, userId: user }], args, { LATCHKEY_TOKEN: bearer }).ended;
    expect(await importing()).toMatchObject({
      code: 0,
      stdout: 'stored 1, already connected 0, failed 0.\n',
    });

    // Without an access token the first call renews, and the authorization server rotates the refresh token.
    const call = async () => {
      const request = { mcpServerId: world.mcpServerId, tool: 'list_invoices' };
      const { body } = await api.ask(user, 'POST /steps', request);
      const { stepId } = body as { stepId: string };
      return (await api.ask(user, `GET /steps/${stepId}?wait=30s`)).body;
    };
    expect(await call()).toMatchObject({ status: 'success' });
    expect((await importing()).stdout).toBe('stored 0, already connected 1, failed 0.\n');
    // Even then the spent token does not replace the newer one.
    expect((await importing('--replace')).code).toBe(0);
    expect(await call()).toMatchObject({ status: 'success' });
  },
);
