import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createHttpFixture, type HttpFixture, token } from './http-fixture.ts';

const MIB = 1024 * 1024;
const BODIES = 20;

let fixture: HttpFixture;
let origin: string;
let port: number;

beforeAll(async () => {
  fixture = await createHttpFixture();
  await fixture.app.listen({ host: '127.0.0.1', port: 0 });
  const address = fixture.app.server.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
  origin = `http://127.0.0.1:${port}`;
});
afterAll(() => fixture.close());

/** Fills a mebibyte. */
function filled(before: string, part: (n: number) => string, after: string): string {
  const parts: string[] = [before];
  for (let size = before.length + after.length, n = 0; ; n++) {
    const next = part(n);
    size += next.length;
    if (size > MIB) break;
    parts.push(next);
  }
  return parts.join('') + after;
}

const JUNK: [string, string][] = [
  ['empty lists', filled('[[]', () => ',[]', ']')],
  ['lists as arguments', filled('{"arguments":{"a":[[]', () => ',[]', ']}}')],
  ['unknown fields', filled('{"a":1', (n) => `,"x${n}":1`, '}')],
  ['keys of arguments', filled('{"arguments":{"a":1', (n) => `,"x${n}":1`, '}}')],
  ['long numbers', filled('{"arguments":{"a":[1', () => ',12345678901234567890', ']}}')],
  ['numbers that are exact', filled('{"arguments":{"a":[1', () => ',1e1', ']}}')],
  ['levels', '['.repeat(MIB / 2) + ']'.repeat(MIB / 2)],
  ['keys that reach a prototype', filled('{"a":1', (n) => `,"${n}":{"constructor":{}}`, '}')],
];

async function post(user: string, body: string): Promise<number> {
  const answer = await fetch(`${origin}/steps`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await token({ sub: user })}`, 'content-type': 'application/json' },
    body,
  });
  await answer.arrayBuffer();
  return answer.status;
}

/** Returns the longest time that `/health` takes until `done` resolves, ms. */
async function longestHealth(done: Promise<unknown>): Promise<number> {
  let over = false;
  void done.finally(() => {
    over = true;
  });
  let longest = 0;
  while (!over) {
    const since = performance.now();
    await (await fetch(`${origin}/health`)).arrayBuffer();
    longest = Math.max(longest, performance.now() - since);
  }
  return longest;
}

describe(`${BODIES} bodies of 1 MiB at once`, () => {
  test.each(JUNK)('hold `/health` up for the time of few of them: %s', async (_, body) => {
    const users = Array.from({ length: BODIES }, (_, n) => `user-${n % 10}`);
    const limitTaken = async () => {
      const since = performance.now();
      const posts = Promise.all(users.map((user) => post(user, body)));
      const longest = await longestHealth(posts);
      expect(new Set(await posts)).toEqual(new Set([400]));
      // If all bodies held it up, it would take nearly the whole time.
      return longest / Math.max((performance.now() - since) / 3, 1_500);
    };

    // Bodies that hold it up do so in every round; a busy machine does not.
    const taken = [await limitTaken()];
    while (taken.length < 3 && Math.min(...taken) >= 1) taken.push(await limitTaken());
    expect(Math.min(...taken)).toBeLessThan(1);
  });
});

describe('bodies of one caller', () => {
  test('are refused beyond 16 MiB under way, and those of others are not', async () => {
    const held = await Promise.all(Array.from({ length: 16 }, () => holdBody('greedy')));
    const small = JSON.stringify({ arguments: 'x'.repeat(2_000) });

    await vi.waitFor(async () => expect(await post('greedy', small)).toBe(429), { timeout: 30_000 });
    expect(await post('modest', small)).toBe(400);

    for (const socket of held) socket.destroy();
    await vi.waitFor(async () => expect(await post('greedy', small)).toBe(400), { timeout: 30_000 });
  });
});

/** Sends a body of 1 MiB without its last bytes. */
async function holdBody(user: string): Promise<Socket> {
  const head = [
    'POST /steps HTTP/1.1',
    'host: latchkey',
    `authorization: Bearer ${await token({ sub: user })}`,
    'content-type: application/json',
    `content-length: ${MIB}`,
  ];
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(`${head.join('\r\n')}\r\n\r\n${'['.repeat(MIB - 100)}`);
  return socket;
}
