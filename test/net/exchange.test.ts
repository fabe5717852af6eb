import { expect, test } from 'vitest';
import { Exchange } from '../../src/net/exchange.ts';

test('an exchange that has started refuses to be written to a second connection', () => {
  const failures: unknown[] = [];
  const exchange = new Exchange({
    secure: false,
    connectTimeoutMs: 1_000,
    headersTimeoutMs: 1_000,
    beforeFirstByte: undefined,
    signal: undefined,
    onHead: () => {},
    onFailure: (failure) => failures.push(failure),
    onOver: () => {},
  });
  const connection = { aborted: false, paused: false, reason: null, abort() {}, pause() {}, resume() {} };

  exchange.onRequestStart(connection);
  expect(() => exchange.onRequestStart(connection)).toThrow();
  expect(failures).toMatchObject([{ code: 'reset', sent: true }]);
});
