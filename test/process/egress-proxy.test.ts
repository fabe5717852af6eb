import { expect, test } from 'vitest';
import { reportTo } from '../../src/process/egress-proxy.ts';

function recorder() {
  let nowMs = 0;
  const lines: unknown[] = [];
  const log = (fields: unknown) => lines.push(fields);
  // The cast: only these two of a logger's methods are called, with fields first.
  const logger = { info: log, warn: log } as unknown as Parameters<typeof reportTo>[0];
  return { lines, report: reportTo(logger, () => nowMs), pass: (ms: number) => (nowMs += ms) };
}

test('logs a proxy that refuses Latchkey, once, and its return', () => {
  const { lines, report, pass } = recorder();
  report({ kind: 'refused', target: 'a.example:443', status: 407 });
  report({ kind: 'refused', target: 'b.example:443', status: 407 });
  pass(5_000);
  report({ kind: 'opened' });
  expect(lines).toEqual([
    { event: 'egress-proxy.unavailable', cause: 'http-407' },
    { event: 'egress-proxy.available', awayMs: 5_000 },
  ]);
});

test('logs a refused server once a minute, while others are reached', () => {
  const { lines, report, pass } = recorder();
  const refused = { kind: 'refused', target: 'a.example:443', status: 403 } as const;
  report(refused);
  report({ kind: 'opened' });
  report(refused);
  pass(60_000);
  report(refused);
  const line = { event: 'egress-proxy.refused', target: 'a.example:443', cause: 'http-403' };
  expect(lines).toEqual([line, line]);
});
