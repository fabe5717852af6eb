import { describe, expect, test } from 'vitest';
import { serveConnectProxy } from '../net/connect-proxy.ts';
import { httpStatus } from '../support/scripted-mcp-server.ts';
import { callOf, targetOf } from './calls.ts';
import { scriptedServer, testAdapter } from './test-adapter.ts';

describe('a call through an egress proxy', () => {
  test.for([401, 403, 407, 502])(
    'that the proxy refuses with %i was not sent, and asks no one to sign in',
    async (refuseWith) => {
      const server = await scriptedServer();
      const { settings } = await serveConnectProxy({ refuseWith });
      const outcome = await testAdapter({}, settings).callTool(targetOf(server.url), callOf());
      expect(outcome).toEqual({ kind: 'not-sent', cause: 'proxy-failed' });
      expect(server.seen).toEqual([]);
    },
  );

  test('reaches the server, whose own 401 still asks for authorization', async () => {
    const server = await scriptedServer();
    const { settings, targets } = await serveConnectProxy();
    const adapter = testAdapter({}, settings);
    expect(await adapter.callTool(targetOf(server.url), callOf())).toMatchObject({ kind: 'completed' });
    server.on('tools/call', httpStatus(401));
    expect(await adapter.callTool(targetOf(server.url), callOf())).toEqual({ kind: 'unauthorized' });
    expect(new Set(targets)).toEqual(new Set([new URL(server.url).host]));
  });
});
