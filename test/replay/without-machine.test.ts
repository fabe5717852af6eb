import { describe, expect, test } from 'vitest';
import { openRecordedHistories } from './recorded-histories.ts';
import { machinePathsIn, withoutMachine } from './without-machine.ts';

const PATHS = [
  '/srv/build-7/latchkey/src/cli.ts',
  '/anywhere/at/all/failure.js',
  '/home/ada/latchkey',
  '/Users/ada/latchkey',
  'C:\\Users\\ada\\latchkey',
  'file:///anywhere/module-runner.js',
];

test('no recorded history holds a path of the machine that recorded it', () => {
  const histories = openRecordedHistories();

  const found = histories
    .read()
    .flatMap(({ path }) => machinePathsIn(histories.textOf(path)).map((machinePath) => [path, machinePath]));

  expect(found).toEqual([]);
});

describe('a path of a machine', () => {
  test.each(PATHS)('is found: %s', (path) => {
    const stackTrace = `Error: no\n    at call (${path}:12:3)\n    at node:internal/process/task_queues:95:5`;
    for (const text of [path, `it was ${path}`, stackTrace]) {
      expect(machinePathsIn(JSON.stringify({ failure: { message: text } }))).not.toEqual([]);
      const data = Buffer.from(JSON.stringify({ note: text })).toString('base64');
      expect(machinePathsIn(JSON.stringify({ payloads: [{ data }] }))).not.toEqual([]);
    }
  });

  test.each(PATHS)('is removed with its stack trace: %s', (path) => {
    const failure = {
      message: 'it said "no"',
      stackTrace: `Error: "no"\n    at ${path}:1:2`,
      source: 'TypeScriptSDK',
    };
    const identity = '4711@build-7.example';

    const recorded = withoutMachine(JSON.stringify({ identity, failure }, null, 2));

    expect(JSON.parse(recorded)).toEqual({ identity: 'recorder', failure: { ...failure, stackTrace: '' } });
  });
});

test.each(['https://latchkey.example/connect/ledger', 'step/ada/recorded', 'application/json', 'a/b.json'])(
  'an address or a name is not a path: %s',
  (text) => {
    expect(machinePathsIn(JSON.stringify({ text }))).toEqual([]);
  },
);
