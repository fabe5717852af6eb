import { Writable } from 'node:stream';
import { expect, test, vi } from 'vitest';
import { createEventStream } from '../../src/http/plugins/event-stream.ts';

const ROOM_BYTES = 4_096;

/** A client that reads nothing: what was written stays in the buffer. */
function unread(): Writable {
  return new Writable({ highWaterMark: ROOM_BYTES, write() {} });
}

test('a client that does not read is cut, and nothing more is kept for it', () => {
  const output = unread();
  const cut = vi.fn();
  const stream = createEventStream(output, cut);
  for (let sent = 0; cut.mock.calls.length === 0; sent += 1) {
    expect(sent).toBeLessThan(ROOM_BYTES);
    stream.send('change', String(sent), {});
  }
  const kept = output.writableLength;
  stream.send('change', '0', {});
  stream.beat();
  expect(output.writableLength).toBe(kept);
  expect(kept).toBeLessThan(ROOM_BYTES + 100);
});

test('nothing is written after the end', () => {
  const output = unread();
  const failed = vi.fn();
  output.on('error', failed);
  const stream = createEventStream(output, vi.fn());
  stream.end();
  stream.beat();
  stream.end();
  expect(failed).not.toHaveBeenCalled();
});
