import { describe, expect, onTestFinished, test } from 'vitest';
import { type DepositOptions, depositEntry } from '../../../src/commands/import/deposit-entry.ts';
import { toEntry } from '../../../src/commands/import/to-entry.ts';
import { problem, type ScriptedAnswer, startScriptedApi } from '../scripted-api.ts';

const BODY = { refreshToken: 'rt-1', tokenEndpoint: 'https://as.example/token' };
const STORED: ScriptedAnswer = [200, { stored: true, changed: true, version: 1, resuming: 0 }];
const BUSY = problem(429, 'too-many-requests', 'Too many.');
const AWAY = problem(503, 'token-endpoint-unavailable', 'The authorization server is away.');

function entryOf(mcpServerId: string, changes: object = {}) {
  const entry = toEntry({
    kind: 'candidate',
    line: 1,
    userId: 'ada',
    body: { ...BODY, mcpServerId, ...changes },
  });
  if (entry.kind === 'failed') throw new Error(entry.code);
  return entry;
}

/** Deposits at an API that answers so. */
async function depositing(answers: ScriptedAnswer[], changes: Partial<DepositOptions> = {}) {
  const { url, requests, close } = await startScriptedApi({ 'POST /mcp-oauth-credentials': answers });
  onTestFinished(close);
  const options = {
    replace: false,
    dryRun: false,
    signal: new AbortController().signal,
    onWait: () => {},
    awayServers: new Set<string>(),
    timing: { patienceMs: 0, backoff: { firstMs: 1, maxMs: 1 } },
    ...changes,
  };
  const deposit = (entry = entryOf('notes')) => depositEntry({ url, token: 't' }, entry, options);
  return { deposit, requests };
}

describe('a line of an import', () => {
  test.for(['already-connected', 'disconnected'])('that is answered %s is left alone', async (code) => {
    const { deposit, requests } = await depositing([problem(409, code, 'No.')], { replace: true });
    expect(await deposit()).toEqual({ kind: code });
    expect(requests[0]).toContain('"unlessDisconnected":true');
  });

  test('begins no request once the import is stopping', async () => {
    const { deposit, requests } = await depositing([STORED], { signal: AbortSignal.abort() });
    await expect(deposit()).rejects.toThrow('abort');
    expect(requests).toEqual([]);
  });

  test('does not count the time for which the API is busy', async () => {
    const timing = { patienceMs: 40, backoff: { firstMs: 50, maxMs: 50 } };
    const brief = problem(503, 'database-unavailable', 'Away.');
    const { deposit, requests } = await depositing([BUSY, BUSY, brief, STORED], { timing });
    expect(await deposit()).toEqual({ kind: 'stored' });
    expect(requests).toHaveLength(4);
  });

  test('does not wait for an authorization server that another line has waited for', async () => {
    const awayServers = new Set<string>();
    const timing = { patienceMs: 30, backoff: { firstMs: 10, maxMs: 10 } };
    const first = await depositing([AWAY], { awayServers, timing });
    expect(await first.deposit()).toMatchObject({ kind: 'failed', code: 'token-endpoint-unavailable' });
    expect(first.requests.length).toBeGreaterThan(1);

    const next = await depositing([AWAY, STORED, AWAY, STORED], { awayServers, timing });
    expect(await next.deposit()).toMatchObject({ kind: 'failed' });
    expect(next.requests).toHaveLength(1);
    expect(await next.deposit()).toEqual({ kind: 'stored' });
    // It is back, so a line waits again.
    expect(await next.deposit()).toEqual({ kind: 'stored' });
  });

  test('tells how long its access token is still valid when it is sent', async () => {
    const { deposit, requests } = await depositing([STORED]);
    const entry = entryOf('notes', { accessToken: 'at-1', expiresIn: 60 });
    await deposit({ ...entry, readAt: entry.readAt - 10_500 });
    await deposit({ ...entry, readAt: entry.readAt - 100_000 });
    expect(requests.map((body) => /"expiresIn":(\d+)/.exec(body)?.[1])).toEqual(['50', '0']);
  });

  test('ends the import if the API is too old for what it is asked', async () => {
    const [status, body] = problem(400, 'invalid-request', 'No.');
    const errors = [{ path: 'unlessDisconnected', message: 'is not a known field' }];
    const { deposit } = await depositing([[status, { ...body, errors }]]);
    await expect(deposit()).rejects.toThrow('has an older version');
  });
});
