import { request } from 'node:http';
import { expect, onTestFinished } from 'vitest';
import { freePort } from '../../src/dev/embedded/free-port.ts';
import { serveHttp } from '../net/loopback-server.ts';
import { testInBrowser } from './fixtures.ts';
import { isEvents, mark } from './live-page.ts';
import { signIn } from './people.ts';

const PORT = await freePort();
// The API listens on a port of its own, because its address does not begin with 127.0.0.1.
const test = testInBrowser({ withoutWorker: true, publicUrl: `http://localhost:${PORT}` });

/** A proxy that passes an answer on when it is complete, as some do. A stream never is. */
async function startBufferingProxy(target: string): Promise<void> {
  const proxy = await serveHttp((incoming, outgoing) => {
    const { hostname, port } = new URL(target);
    const options = {
      hostname,
      port,
      path: incoming.url,
      method: incoming.method,
      headers: incoming.headers,
    };
    const passed = request(options, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
        outgoing.end(Buffer.concat(chunks));
      });
    });
    passed.on('error', () => outgoing.destroy());
    outgoing.on('close', () => passed.destroy());
    incoming.pipe(passed);
  }, PORT);
  onTestFinished(proxy.close);
}

test('an open page works behind a proxy that buffers the stream', async ({ world, api, page }) => {
  const user = world.users.newUser();
  await startBufferingProxy(api.url);
  const events: string[] = [];
  page.on('response', (response) => {
    if (isEvents(response.url())) events.push(response.headers()['content-type'] ?? '');
  });
  await signIn(page, api, user);
  await page.goto(`http://localhost:${PORT}/connections`);
  const isMarked = await mark(page);
  await world.users.connect(user);
  await page.getByRole('main').getByRole('button', { name: 'Disconnect' }).waitFor();
  // No stream came through: the page has asked.
  expect(new Set(events)).toEqual(new Set(['application/json; charset=utf-8']));
  expect(await isMarked()).toBe(true);
});
