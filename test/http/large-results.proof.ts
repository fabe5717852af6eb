import { connect, type Socket } from 'node:net';
import { expect, onTestFinished, vi } from 'vitest';
import { httpTestWith } from './fixtures.ts';
import { type HttpFixture, token } from './http-fixture.ts';
import { createStoredResultsFixture, endWith } from './stored-results-fixture.ts';

/** More than the system keeps of an answer that its reader does not take. */
const BYTES = 24_000_000;
/** One result fits for each user, and two in all. */
const LIMITS = { maxBytesPerUser: BYTES + 1_000, maxBytes: 2 * BYTES + 2_000, waitMs: 50 };

const test = httpTestWith(() => createStoredResultsFixture(LIMITS));
const testInShortTime = httpTestWith(() =>
  createStoredResultsFixture({ ...LIMITS, sendMs: 10_000, sendMsPerMib: 0 }),
);
const testWithDefaults = httpTestWith(() => createStoredResultsFixture({ waitMs: 50 }));

/** Asks for a step and does not read the answer. Resolves once the answer has begun. */
async function askAndStall(port: number, user: string, stepId: string): Promise<Socket> {
  const authorization = `Bearer ${await token({ sub: user })}`;
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  onTestFinished(() => void socket.destroy());
  socket.write(`GET /steps/${stepId} HTTP/1.1\r\nhost: x\r\nauthorization: ${authorization}\r\n\r\n`);
  await new Promise<void>((resolve) => socket.once('readable', resolve));
  expect(String(socket.read(12))).toBe('HTTP/1.1 200');
  return socket;
}

const show = ({ ask }: HttpFixture, user: string, stepId: string) => ask({ url: `/steps/${stepId}`, user });

const untilShown = (fixture: HttpFixture, user: string, stepId: string) =>
  vi.waitFor(async () => expect((await show(fixture, user, stepId)).statusCode).toBe(200), {
    timeout: 60_000,
  });

const REFUSED = { statusCode: 429, headers: { 'retry-after': '5' } };

test('a caller that does not read its answer takes nothing from others, and is refused the next one until it has gone', async ({
  fixture,
  port,
}) => {
  const stepId = await endWith(fixture, 'mallory', BYTES);
  const other = await endWith(fixture, 'ada', BYTES);
  const socket = await askAndStall(port, 'mallory', stepId);

  expect(await show(fixture, 'mallory', stepId)).toMatchObject(REFUSED);
  expect((await show(fixture, 'ada', other)).statusCode).toBe(200);

  socket.destroy();
  await untilShown(fixture, 'mallory', stepId);
});

test('several users who do not read their answers hold no more than the process may', async ({
  fixture,
  port,
}) => {
  for (const user of ['one', 'two']) await askAndStall(port, user, await endWith(fixture, user, BYTES));
  const stepId = await endWith(fixture, 'three', BYTES);
  expect(await show(fixture, 'three', stepId)).toMatchObject(REFUSED);
});

testInShortTime('a caller that takes too long is cut off', async ({ fixture, port }) => {
  const stepId = await endWith(fixture, 'mallory', BYTES);
  const socket = await askAndStall(port, 'mallory', stepId);
  expect(await show(fixture, 'mallory', stepId)).toMatchObject(REFUSED);

  await untilShown(fixture, 'mallory', stepId);

  const cut = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.resume();
  await cut;
  expect(socket.bytesRead).toBeLessThan(BYTES);
});

testWithDefaults(
  'within the limits, the next answer comes while one is not read',
  async ({ fixture, port }) => {
    const stepId = await endWith(fixture, 'mallory', BYTES);
    await askAndStall(port, 'mallory', stepId);
    expect((await show(fixture, 'mallory', stepId)).statusCode).toBe(200);
  },
);
