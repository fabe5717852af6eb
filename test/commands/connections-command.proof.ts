import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { lockFolder } from '../../src/process/lock-folder.ts';
import { type Ended, jsonLines, latchkey, type RunningCommand } from './latchkey.ts';
import { problem, type ScriptedAnswer, type ScriptedApi, startScriptedApi } from './scripted-api.ts';

const CONNECTIONS = {
  connections: [
    { mcpServerId: 'ledger', account: 'default', status: 'connected', version: 1, waitingSteps: 0 },
    {
      mcpServerId: 'ledger',
      account: 'work',
      label: 'ada@example.com',
      status: 'reauth-required',
      reason: 'invalid-grant',
      version: 3,
      waitingSteps: 12,
    },
  ],
};

const LINK = {
  connectSessionId: 'cs-1',
  url: 'http://127.0.0.1:3000/connect/ledger?session=abc',
  expiresAt: new Date(Date.now() + 900_000).toISOString(),
};
const SESSION = { connectSessionId: 'cs-1', mcpServerId: 'ledger', account: 'work' };
const OPEN = { ...SESSION, status: 'open' };
const CREATE = 'POST /connect-sessions';
const LOOK = 'GET /connect-sessions/cs-1';

async function scripted(routes: Record<string, ScriptedAnswer[]>): Promise<ScriptedApi> {
  const api = await startScriptedApi(routes);
  onTestFinished(api.close);
  return api;
}

function connections(api: ScriptedApi, ...args: string[]): RunningCommand {
  return latchkey({ LATCHKEY_URL: api.url, LATCHKEY_TOKEN: 'token-of-ada' }, 'connections', ...args);
}

describe('latchkey connections list', () => {
  test('prints a tab-separated line a connection in a pipe', async () => {
    const api = await scripted({ 'GET /mcp-oauth-credentials': [[200, CONNECTIONS]] });
    const { code, stdout } = await connections(api, 'list').ended;

    expect(stdout).toBe(
      'ledger\tdefault\t\tconnected\t\t0\nledger\twork\tada@example.com\treauth-required\tinvalid-grant\t12\n',
    );
    expect(code).toBe(0);
    expect(api.authorizations).toEqual(['Bearer token-of-ada']);
  });

  test('prints what the API answered with --json', async () => {
    const api = await scripted({ 'GET /mcp-oauth-credentials': [[200, CONNECTIONS]] });
    const { stdout } = await connections(api, 'list', '--json').ended;
    expect(JSON.parse(stdout)).toEqual(CONNECTIONS);
  });

  test('says why the API refused, on stderr, with exit code 1', async () => {
    const refused = problem(401, 'unauthenticated', 'The token has expired.');
    const api = await scripted({ 'GET /mcp-oauth-credentials': [refused] });
    const { code, stdout, stderr } = await connections(api, 'list').ended;

    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('The token has expired.');
    expect(stderr).not.toContain('token-of-ada');
  });
});

describe('the API that the commands ask', () => {
  test('is the running latchkey dev of the folder, with its token', async () => {
    const api = await scripted({ 'GET /mcp-oauth-credentials': [[200, CONNECTIONS]] });
    const dataDir = await dataFolder({ url: api.url, token: 'token-of-dev' });
    const { code } = await latchkey({ LATCHKEY_DATA_DIR: dataDir }, 'connections', 'list').ended;

    expect(code).toBe(0);
    expect(api.authorizations).toEqual(['Bearer token-of-dev']);
  });

  // After a SIGKILL of `latchkey dev`, something else may listen on its port.
  test('never gets the token that a killed latchkey dev left behind', async () => {
    const api = await scripted({});
    const dataDir = await dataFolder({ url: api.url, token: 'token-of-dev' }, { isRunning: false });
    const { code, stderr } = await latchkey({ LATCHKEY_DATA_DIR: dataDir }, 'connections', 'list').ended;

    expect(code).toBe(2);
    expect(stderr).toContain('No running Latchkey was found');
    expect(api.requests).toEqual([]);
  });

  test('never gets the token of latchkey dev at another address', async () => {
    const api = await scripted({});
    const dataDir = await dataFolder({ url: 'http://127.0.0.1:9', token: 'token-of-dev' });
    const environment = { LATCHKEY_DATA_DIR: dataDir, LATCHKEY_URL: api.url };
    const { code, stderr } = await latchkey(environment, 'connections', 'list').ended;

    expect(code).toBe(2);
    expect(stderr).toContain('LATCHKEY_TOKEN: is required when LATCHKEY_URL is set');
    expect(api.requests).toEqual([]);
  });

  test('is missed with exit code 2 when nothing says where it is', async () => {
    const dataDir = await dataFolder({ token: 'token-of-dev' });
    const { code, stderr } = await latchkey({ LATCHKEY_DATA_DIR: dataDir }, 'connections', 'list').ended;
    expect(code).toBe(2);
    expect(stderr).toContain('LATCHKEY_URL');
  });

  test('is named when it does not answer', async () => {
    const environment = { LATCHKEY_URL: 'http://127.0.0.1:9', LATCHKEY_TOKEN: 't' };
    const { code, stderr } = await latchkey(environment, 'connections', 'list').ended;
    expect(code).toBe(1);
    expect(stderr).toContain('No Latchkey answers at http://127.0.0.1:9. Start it there');
  });
});

describe('latchkey connections connect', () => {
  test('prints the link in a pipe, waits, and exits with 0 once the account is connected', async () => {
    const connected = { ...SESSION, status: 'connected', label: 'ada@example.com' };
    const away = problem(503, 'draining', 'The process is shutting down.');
    const api = await scripted({ [CREATE]: [[201, LINK]], [LOOK]: [[200, OPEN], away, [200, connected]] });
    const { code, stdout } = await connections(api, 'connect', 'ledger', '--account', 'work').ended;

    expect(stdout).toBe(`${LINK.url}\nConnected: ledger, account work (ada@example.com)\n`);
    expect(code).toBe(0);
    expect(api.requests[0]).toBe(`${CREATE} {"mcpServerId":"ledger","account":"work"}`);
    expect(api.requests.slice(1)).toEqual([LOOK, LOOK, LOOK]);
  });

  test('says once what went wrong, and goes on until a later try has connected', async () => {
    const denied = { ...SESSION, status: 'denied', code: 'access-denied' };
    const failed = { ...SESSION, status: 'failed', code: 'code-refused' };
    const looks = [denied, denied, OPEN, failed, failed, { ...SESSION, status: 'connected' }];
    const api = await scripted({
      [CREATE]: [[201, LINK]],
      [LOOK]: looks.map((session): ScriptedAnswer => [200, session]),
    });
    const { code, stdout, stderr } = await connections(api, 'connect', 'ledger', '--json').ended;

    expect(stderr).toBe(
      'Not connected: consent was refused. Still waiting: you can try again in the browser.\n' +
        'Not connected: it failed (code-refused). The page in the browser says why. Still waiting: you can try again in the browser.\n',
    );
    expect(jsonLines(stdout)).toEqual([LINK, { ...SESSION, status: 'connected' }]);
    expect(code).toBe(0);
  });

  test.each([
    ['denied', 'consent was refused'],
    ['failed', 'it failed (code-refused)'],
    ['expired', 'the link has expired'],
  ])('exits with 1 when it is %s and the link has expired', async (status, said) => {
    const outcome = { ...SESSION, status, ...(status === 'failed' && { code: 'code-refused' }) };
    const link = { ...LINK, expiresAt: new Date(Date.now() - 1_000).toISOString() };
    const api = await scripted({ [CREATE]: [[201, link]], [LOOK]: [[200, outcome]] });
    const { code, stdout, stderr } = await connections(api, 'connect', 'ledger').ended;

    expect(stdout).toContain(`Not connected: ${said}`);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(api.requests[0]).toBe(`${CREATE} {"mcpServerId":"ledger"}`);
  });

  test('prints the link and the outcome as JSON lines with --json', async () => {
    const connected = { ...SESSION, status: 'connected' };
    const api = await scripted({ [CREATE]: [[201, LINK]], [LOOK]: [[200, connected]] });
    const { stdout } = await connections(api, 'connect', 'ledger', '--json').ended;
    expect(jsonLines(stdout)).toEqual([LINK, connected]);
  });

  test('ends at Ctrl-C with exit code 130', async () => {
    const api = await scripted({ [CREATE]: [[201, LINK]], [LOOK]: [[200, OPEN]] });
    const command = connections(api, 'connect', 'ledger');
    await vi.waitFor(() => expect(api.requests).toContain(LOOK), { timeout: 20_000 });
    command.kill('SIGINT');

    const { code, signal, stderr } = await command.ended;
    expect({ code, signal }).toEqual({ code: 130, signal: null });
    expect(stderr).toBe('No longer waiting. The link stays valid.\n');
  });

  test('says that the server is unknown', async () => {
    const api = await scripted({ [CREATE]: [problem(404, 'unknown-server', 'No such server.')] });
    const { code, stderr } = await connections(api, 'connect', 'elsewhere').ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^No such server. \(unknown-server\)\n`latchkey servers list`/);
  });
});

describe('latchkey connections disconnect', () => {
  test('disconnects that account', async () => {
    const route = 'DELETE /mcp-oauth-credentials/team%2Fledger?account=work';
    const api = await scripted({ [route]: [[204]] });
    const { code, stdout } = await connections(api, 'disconnect', 'team/ledger', '--account', 'work').ended;

    expect({ code, stdout }).toEqual({ code: 0, stdout: 'Disconnected: team/ledger, account work\n' });
    expect(api.requests).toEqual([route]);
  });

  test('sends no request for an id that has no address', async () => {
    const api = await scripted({});
    const ended: Ended = await connections(api, 'disconnect', '..').ended;
    expect(ended.code).toBe(1);
    expect(api.requests).toEqual([]);
  });
});

test.each(['list', 'connect', 'disconnect', 'import'])(
  'connections %s --help has an example',
  async (command) => {
    const { stdout } = await latchkey({}, 'connections', command, '--help').ended;
    expect(stdout).toContain(`Example: npx latchkey connections ${command}`);
    expect(stdout).toContain('LATCHKEY_TOKEN');
    expect(stdout).toContain('Exit code: 0');
  },
);

/** The data folder of a `latchkey dev`, which has it locked while it runs. */
async function dataFolder(
  files: { url?: string; token?: string },
  { isRunning } = { isRunning: true },
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-data-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const lock = isRunning ? await lockFolder(folder) : undefined;
  if (lock?.kind === 'locked') onTestFinished(lock.release);
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}
