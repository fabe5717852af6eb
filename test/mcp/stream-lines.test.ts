import { describe, expect, it } from 'vitest';
import type { ServerLimits } from '../../src/mcp/server-limits.ts';
import { leastDelay } from '../support/longest-delay.ts';
import { events, type SeenRequest } from '../support/scripted-mcp-server.ts';
import { callOf, targetOf } from './calls.ts';
import { scriptedServer, testAdapter } from './test-adapter.ts';

const MIB = 1024 * 1024;
const done = { kind: 'completed', isError: false, result: { content: ['done'] } };
const flooded = { kind: 'lost', cause: 'flooded' };
const answerTo = ({ id = 0 }: SeenRequest) => ({ jsonrpc: '2.0', id, result: { content: ['done'] } });

/** A call whose answer comes after these lines, in the same stream. */
async function callAfter(lines: string, serverLimits: Partial<ServerLimits> = {}) {
  const server = await scriptedServer();
  server.on('tools/call', (response, request) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(`: begin\n${lines}data: ${JSON.stringify(answerTo(request))}\n\n`);
  });
  return testAdapter({ serverLimits }).callTool(targetOf(server.url), callOf());
}

describe('lines of an event stream that mean nothing', () => {
  it.each([
    ['fields that no one knows', 'foo: bar\n'],
    ['words', 'x\n'],
    ['waits that are no number', 'retry: x\n'],
    ['ids', 'id: 1\n'],
    ['ids of events without data', 'id: 1\n\n'],
    ['names of events', 'event: message\n'],
  ])('end the call as a flood if there are too many: %s', async (_, line) => {
    const text = line.repeat((4 * MIB) / line.length);
    let leastCpu = Number.POSITIVE_INFINITY;
    const read = async () => {
      const before = process.cpuUsage();
      expect(await callAfter(text)).toEqual(flooded);
      const { user, system } = process.cpuUsage(before);
      leastCpu = Math.min(leastCpu, (user + system) / 1_000_000);
    };
    // Without the limit, 4 MiB took 12 s and held the thread for more than a second.
    expect(await leastDelay(read, { below: 300 })).toBeLessThan(300);
    expect(leastCpu).toBeLessThan(4);
  });

  it('do not hide the answer if there are a few', async () => {
    expect(await callAfter('foo: bar\nx\n\ndatax: 1\n: on\r\nretry: x\nid\nevents\n\n\n\n\n')).toEqual(done);
  });

  it('are left out wherever the server cuts its text', async () => {
    const server = await scriptedServer();
    server.on('tools/call', async (response, request) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.socket?.setNoDelay(true);
      const text = `: on\nda\ndatum: 1\nevents: x\nevent: message\nid: 7\ndata: ${JSON.stringify(answerTo(request))}`;
      for (const character of text) {
        response.write(character);
        await new Promise((resolve) => setImmediate(resolve));
      }
      response.end();
    });
    expect(await testAdapter().callTool(targetOf(server.url), callOf())).toEqual(done);
  });

  it('do not count where each event has a name, an id and a wait of its own', async () => {
    const event = 'event: note\nid: 1\ndata: {}\n\n';
    expect(await callAfter(event.repeat(48), { eventsPerRequest: 50 })).toEqual(done);
    expect(await callAfter(event.repeat(50), { eventsPerRequest: 50 })).toEqual(flooded);
  });

  it('include the lines of a long answer in no count', async () => {
    const server = await scriptedServer();
    server.on(
      'tools/call',
      events((request) => [
        JSON.stringify(answerTo(request), null, 1)
          .split('\n')
          .map((line) => `data: ${line}\ndata:\n`)
          .join('')
          .trimEnd(),
      ]),
    );
    const adapter = testAdapter({ serverLimits: { eventsPerRequest: 2 } });
    expect(await adapter.callTool(targetOf(server.url), callOf())).toEqual(done);
  });
});
