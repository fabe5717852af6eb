import { describe, expect, test } from 'vitest';
import { probeAuthorization } from '../../src/mcp/probe-authorization.ts';
import { httpStatus, type Reply } from '../support/scripted-mcp-server.ts';
import { scriptedServer, testAdapter } from './test-adapter.ts';

const challenge = httpStatus(401, {
  'www-authenticate': 'Bearer resource_metadata="https://mcp.example/prm", scope="files:read files:write"',
});
const challenged = { resourceMetadataUrl: 'https://mcp.example/prm', scope: 'files:read files:write' };

/** Probes a server that answers this kind of request so. */
async function probing(what: string, reply: Reply) {
  const server = await scriptedServer();
  server.on(what, reply);
  const target = { id: 'srv', registrationVersion: 1, url: server.url, headers: { 'x-tenant': 'acme' } };
  return { server, probed: await probeAuthorization(testAdapter(), target) };
}

describe('the probe of an MCP server', () => {
  test('finds what the server challenges, without a token and with the registered headers', async () => {
    const { server, probed } = await probing('initialize', challenge);
    expect(probed).toEqual(challenged);
    const [request] = server.seen;
    expect(request?.headers).toMatchObject({ 'x-tenant': 'acme' });
    expect(request?.headers.authorization).toBeUndefined();
  });

  test('finds it also where the server lets anybody initialize', async () => {
    const { probed } = await probing('tools/list', challenge);
    expect(probed).toEqual(challenged);
  });

  test.each<[string, Reply]>([
    ['sends a 401 without a challenge', httpStatus(401)],
    ['fails', httpStatus(500)],
  ])('finds nothing where the server %s', async (_, reply) => {
    const { probed } = await probing('initialize', reply);
    expect(probed).toEqual({});
  });

  test('finds nothing where the server is open', async () => {
    const server = await scriptedServer();
    const target = { id: 'srv', registrationVersion: 1, url: server.url, headers: {} };
    expect(await probeAuthorization(testAdapter(), target)).toEqual({});
  });

  test('finds nothing where nothing listens', async () => {
    const server = await scriptedServer();
    await server.close();
    const target = { id: 'srv', registrationVersion: 1, url: server.url, headers: {} };
    expect(await probeAuthorization(testAdapter(), target)).toEqual({});
  });
});
