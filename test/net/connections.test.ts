import { once } from 'node:events';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createConnections } from '../../src/net/connections.ts';
import { createGuardedConnector } from '../../src/net/guarded-connector.ts';
import { during } from './guarded-fetch-fixture.ts';
import { serveHttp, serveTcp } from './loopback-server.ts';

describe('the connections of one address source', () => {
  test.each([['127.0.0.1'], ['::1'], ['169.254.169.254']])(
    'check %s, although a literal address skips the lookup',
    async (hostname) => {
      const connect = createGuardedConnector({ policy: 'public', source: 'admin' });
      const failure = await new Promise((resolve) => {
        connect({ hostname, protocol: 'https:', port: '1' }, (...[error]) => resolve(error));
      });
      expect(failure).toMatchObject({ code: 'address-refused', sent: false });
    },
  );

  test('are full while as many are open as may be kept', async () => {
    const server = await during(serveHttp((_request, response) => response.end()));
    const { agent, full } = createConnections(
      createGuardedConnector({ policy: 'development', source: 'user' }),
      1,
    );
    onTestFinished(() => agent.destroy());
    const disconnected = once(agent, 'disconnect');

    expect(full()).toBe(false);
    await (await agent.request({ origin: server.url, path: '/', method: 'GET' })).body.dump();
    expect(full()).toBe(true);
    for (const socket of server.sockets) socket.destroy();
    await disconnected;
    expect(full()).toBe(false);
  });

  test('do not count those that were never established', async () => {
    const server = await serveTcp(() => {});
    await server.close();
    const { agent, full } = createConnections(
      createGuardedConnector({ policy: 'development', source: 'user' }),
      1,
    );
    onTestFinished(() => agent.destroy());
    await expect(agent.request({ origin: server.url, path: '/', method: 'GET' })).rejects.toThrow();
    expect(full()).toBe(false);
  });
});
