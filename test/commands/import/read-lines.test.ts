import { expect, test } from 'vitest';
import { MAX_LINE_BYTES, readLines } from '../../../src/commands/import/read-lines.ts';
import { readRecords } from '../../../src/commands/import/read-records.ts';

async function* chunks(...texts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield typeof text === 'string' ? Buffer.from(text) : text;
}

async function collected<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const short = async (...texts: (string | Uint8Array)[]) =>
  (await collected(readLines(chunks(...texts)))).map((line) =>
    line.kind === 'line' ? [line.line, line.text] : [line.line, line.code],
  );

test('lines are numbered from 1, whatever the chunks, without the empty ones', async () => {
  const lines = [
    [1, 'a'],
    [3, 'bcd\r'],
    [5, 'é'],
  ];
  const [first = 0, second = 0] = Buffer.from('é');
  expect(await short('a\n\nbcd\r\n  \né')).toEqual(lines);
  expect(
    await short('a', '\n\nb', 'c', 'd\r\n', '  \n', Buffer.from([first]), Buffer.from([second])),
  ).toEqual(lines);
  expect(await short('')).toEqual([]);
  expect(await short('\uFEFFa\n')).toEqual([[1, 'a']]);
});

test('a line that is too long or not UTF-8 fails alone', async () => {
  const long = 'x'.repeat(MAX_LINE_BYTES + 1);
  expect(await short('a\n', long, 'y\n', Buffer.from([0xff, 0x0a]), 'b')).toEqual([
    [1, 'a'],
    [2, 'line-too-long'],
    [3, 'not-utf8'],
    [4, 'b'],
  ]);
});

test('a line without an end does not fill the memory', async () => {
  const chunk = Buffer.alloc(1024 * 1024, 'x');
  let most = 0;
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < 200; i++) {
      most = Math.max(most, process.memoryUsage().arrayBuffers);
      // A copy, so that what is held counts.
      yield Buffer.from(chunk);
      if (i % 20 === 0) globalThis.gc?.();
    }
  }
  const before = process.memoryUsage().arrayBuffers;
  expect(await collected(readLines(endless()))).toMatchObject([{ code: 'line-too-long' }]);
  expect(most - before).toBeLessThan(150 * chunk.length);
});

test('what is not a JSON object fails, and its text is not in the failure', async () => {
  const texts = ['{"a":1}', '{"secret-token', '["secret-token"]', '"secret-token"', 'null'];
  const records = await collected(readRecords(readLines(chunks(texts.join('\n')))));
  expect(records[0]).toMatchObject({ kind: 'record', line: 1, value: { a: 1 } });
  expect(records.slice(1).map((record) => record.kind === 'failed' && record.code)).toEqual(
    Array(4).fill('invalid-json'),
  );
  expect(JSON.stringify(records)).not.toContain('secret');
});
