import { expect, test } from 'vitest';
import { createAvailability } from '../../src/logging/availability.ts';
import { createLogger } from '../../src/logging/logger.ts';

function watched() {
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (text: string) => void lines.push(JSON.parse(text)) };
  let clock = 0;
  const availability = createAvailability({
    logger: createLogger({ level: 'info', destination }),
    name: 'server',
    fields: { mcpServerId: 'ledger' },
    now: () => clock,
  });
  const told = () => lines.splice(0).map(({ event, cause, awayMs }) => [event, cause ?? awayMs]);
  const pass = (ms: number) => {
    clock += ms;
  };
  return { ...availability, told, pass };
}

test('an outage logs one line, however long it lasts, and one at its end', () => {
  const server = watched();
  for (let call = 0; call < 100; call++) {
    server.unavailable('connect-refused');
    server.pass(5_000);
  }
  expect(server.told()).toEqual([['server.unavailable', 'connect-refused']]);
  server.available();
  server.available();
  expect(server.told()).toEqual([['server.available', 500_000]]);
});

test('another cause logs another line', () => {
  const server = watched();
  server.unavailable('connect-refused');
  server.unavailable('dns-failed');
  expect(server.told()).toEqual([
    ['server.unavailable', 'connect-refused'],
    ['server.unavailable', 'dns-failed'],
  ]);
});

test.each([
  ['comes and goes', (server: ReturnType<typeof watched>) => server.available()],
  ['changes its cause', (server: ReturnType<typeof watched>) => server.unavailable('reset')],
])('a service that %s all the time logs once a minute', (_what, between) => {
  const server = watched();
  for (let call = 0; call < 119; call++) {
    server.unavailable('timeout');
    between(server);
    server.pass(1_000);
  }
  const times = server.told().filter(([, cause]) => cause === 'timeout');
  expect(times).toHaveLength(2);
});

test('the end of an unlogged outage is not logged', () => {
  const server = watched();
  server.unavailable('timeout');
  server.available();
  server.told();
  server.unavailable('timeout');
  server.available();
  expect(server.told()).toEqual([]);
});

test('an outage that begins within the minute is logged when it lasts', () => {
  const server = watched();
  server.unavailable('timeout');
  server.available();
  server.told();
  for (let call = 0; call < 70; call++) {
    server.unavailable('timeout');
    server.pass(1_000);
  }
  server.available();
  expect(server.told()).toEqual([
    ['server.unavailable', 'timeout'],
    ['server.available', 70_000],
  ]);
});

test('a service that was never away is not logged as back', () => {
  const server = watched();
  server.available();
  expect(server.told()).toEqual([]);
});
