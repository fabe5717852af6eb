import { describe, expect, onTestFinished, test } from 'vitest';
import { serveHttp } from '../net/loopback-server.ts';
import { jsonLines, latchkey } from './latchkey.ts';
import { problem, startScriptedApi } from './scripted-api.ts';

const STEP = {
  userId: 'ada',
  stepId: 's1',
  mcpServerId: 'ledger',
  account: 'default',
  tool: 'list_invoices',
  status: 'error',
  error: { code: 'forbidden' },
  createdAt: '2026-11-26T12:00:00.000Z',
};

const variables = (url: string) => ({ LATCHKEY_URL: url, LATCHKEY_TOKEN: 'token-of-admin' });

describe('latchkey admin', () => {
  test('lists steps of all users by its filters, and says how to go on', async () => {
    const query = 'status=error&since=2026-11-26T00%3A00%3A00.000Z&limit=1&userId=ada&mcpServerId=ledger';
    const route = `GET /admin/steps?${query}`;
    const api = await startScriptedApi({ [route]: [[200, { steps: [STEP], nextCursor: 'abc' }]] });
    onTestFinished(api.close);
    const flags = ['--user', 'ada', '--server', 'ledger', '--status', 'error', '--since', '2026-11-26'];
    const args = ['admin', 'steps', ...flags, '--limit', '1'];
    const plain = await latchkey(variables(api.url), ...args).ended;
    expect(plain.stdout).toBe(
      'ada\ts1\tledger\tdefault\tlist_invoices\terror\tforbidden\t2026-11-26T12:00:00.000Z\n',
    );
    expect(plain).toMatchObject({ code: 0, stderr: expect.stringContaining('--cursor abc') });
    const json = await latchkey(variables(api.url), ...args, '--json').ended;
    expect(JSON.parse(json.stdout)).toEqual({ steps: [STEP], nextCursor: 'abc' });
  });

  test.for([
    [['steps', '--limit', '101'], '1 to 100'],
    [['steps', '--status', 'connected'], 'awaiting-input'],
    [['connections', '--status', 'error'], 'reauth-required'],
    [['connections', '--reason', 'needs-approval'], 'invalid-grant'],
  ] as const)('%j is refused with what is possible, and sends nothing', async ([args, said]) => {
    const api = await startScriptedApi({});
    onTestFinished(api.close);
    const { code, stderr } = await latchkey(variables(api.url), 'admin', ...args).ended;
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(said) });
    expect(api.requests).toEqual([]);
  });

  test('says that the token is not an admin’s, with exit code 1', async () => {
    const refused = problem(403, 'forbidden', 'This needs a token with the scope latchkey:admin.');
    const api = await startScriptedApi({ 'GET /admin/connections': [refused] });
    onTestFinished(api.close);
    const { code, stderr } = await latchkey(variables(api.url), 'admin', 'connections').ended;
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('latchkey:admin') });
  });
});

describe('latchkey audit export', () => {
  const line = (n: number) => `${JSON.stringify({ id: String(n), action: 'connected', cursor: `c${n}` })}\n`;

  test('goes on after the last whole line where the connection breaks', async () => {
    const asked: (string | undefined)[] = [];
    const { url, close } = await serveHttp((request, response) => {
      asked.push(request.url);
      response.writeHead(200, { 'content-type': 'application/x-ndjson' });
      if (asked.length > 1) return void response.end(line(3));
      response.write(line(1) + line(2) + line(3).slice(0, 9), () => response.destroy());
    });
    onTestFinished(close);
    const { code, stdout } = await latchkey(variables(url), 'audit', 'export', '--since', '2026-11-01').ended;
    expect(jsonLines(stdout).map(({ id }) => id)).toEqual(['1', '2', '3']);
    expect(code).toBe(0);
    const since = 'since=2026-11-01T00%3A00%3A00.000Z';
    expect(asked).toEqual([`/admin/audit?${since}`, `/admin/audit?${since}&cursor=c2`]);
  });

  test('says how to go on where the API refuses to', async () => {
    let answers = 0;
    const { url, close } = await serveHttp((_, response) => {
      answers += 1;
      if (answers > 1) return void response.writeHead(401).end();
      response.writeHead(200, { 'content-type': 'application/x-ndjson' });
      response.write(line(1), () => response.destroy());
    });
    onTestFinished(close);
    const { code, stdout, stderr } = await latchkey(variables(url), 'audit', 'export').ended;
    expect(jsonLines(stdout)).toHaveLength(1);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('--cursor c1') });
  });
});
