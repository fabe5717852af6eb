import { expect, test } from 'vitest';
import { readOptions } from '../../bench/options.ts';

test('runs the full benchmark and prints a table by default', () => {
  expect(readOptions([])).toEqual({
    mode: 'full',
    json: false,
    checkCounts: false,
    writeDocs: false,
    phases: undefined,
    profiles: undefined,
  });
});

test('reads every option', () => {
  const args = [
    '--quick',
    '--json',
    '--check-counts',
    '--phase',
    'speed',
    '--phase',
    'memory',
    '--cpu-prof',
    'p',
  ];

  expect(readOptions(args)).toEqual({
    mode: 'quick',
    json: true,
    checkCounts: true,
    writeDocs: false,
    phases: ['speed', 'memory'],
    profiles: 'p',
  });
});

test.each([
  [['--fast'], /--fast/],
  [['speed'], /speed/],
  [['--write-docs', '--quick'], /full run/],
  [['--write-docs', '--phase', 'speed'], /all phases/],
])('refuses %j', (args, problem) => {
  expect(() => readOptions(args)).toThrow(problem);
});
