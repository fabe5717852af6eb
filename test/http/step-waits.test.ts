import { request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect } from 'vitest';
import { STEP, stepsTest as test } from './fixtures.ts';
import { createHttpFixture, type HttpFixture, registerServer, token, VERSION } from './http-fixture.ts';

describe('waiting for a step', () => {
  test('answers as soon as its status changes', async ({ fixture, start }) => {
    await start({ ...STEP, stepId: 'slow' });
    const answer = fixture.ask({ url: '/steps/slow?wait=60s' });
    await expect.poll(() => fixture.steps.waiting.size).toBe(1);
    fixture.steps.change('alice', 'slow', { status: 'success', result: { content: [] } });
    expect((await answer).json()).toMatchObject({ status: 'success' });
  });

  test('answers the step as it is when the time is over', async ({ fixture, start }) => {
    await start({ ...STEP, stepId: 'still' });
    const answer = await fixture.ask({ url: '/steps/still?wait=20ms' });
    expect([answer.statusCode, answer.json().status]).toEqual([200, 'running']);
  });

  test.for(['61s', '2m', '0s', '', 'soon', '-5s', '30', '1e9s'])(
    'takes no wait of %j',
    async (wait, { fixture }) => {
      const answer = await fixture.ask({ url: '/steps/any', query: { wait } });
      expect(answer.statusCode).toBe(400);
      expect(answer.json().errors[0].path).toBe('wait');
    },
  );

  test('stops when the client goes away', async () => {
    const own = await createHttpFixture();
    const { port } = await listen(own);
    await registerServer(own, 'notes');
    await own.ask({ method: 'POST', url: '/steps', payload: { ...STEP, stepId: 'left' } });
    const client = httpRequest({
      port,
      path: '/steps/left?wait=60s',
      headers: { authorization: `Bearer ${await token({ sub: 'alice' })}` },
    });
    client.on('error', () => {});
    client.end();
    await expect.poll(() => own.steps.waiting.size).toBe(1);
    const [signal] = own.steps.waiting;
    expect(signal?.aborted).toBe(false);
    client.destroy();
    await expect.poll(() => own.steps.waiting.size).toBe(0);
    expect(own.logged()).not.toContain('request failed');
    await own.close();
  });

  test('answers the step as it is when the server closes, within a moment', async () => {
    const own = await createHttpFixture();
    const { port } = await listen(own);
    await registerServer(own, 'notes');
    await own.ask({ method: 'POST', url: '/steps', payload: { ...STEP, stepId: 'open' } });
    const answer = fetch(`http://127.0.0.1:${port}/steps/open?wait=60s`, {
      headers: { authorization: `Bearer ${await token({ sub: 'alice' })}` },
    });
    await expect.poll(() => own.steps.waiting.size).toBe(1);
    const closed = own.close();
    const response = await answer;
    expect(response.status).toBe(200);
    expect(response.headers.get('x-latchkey-version')).toBe(VERSION);
    expect(await response.json()).toMatchObject({ status: 'running' });
    await closed;
  });
});

async function listen({ app }: HttpFixture): Promise<AddressInfo> {
  await app.listen({ host: '127.0.0.1', port: 0 });
  return app.server.address() as AddressInfo; // The cast is safe: it listens on TCP.
}
