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

test('--growth names its phases, whose figures may be written alone', () => {
  const phases = ['users', 'servers', 'credentials', 'deposits'];

  expect(readOptions(['--growth', '--write-docs'])).toMatchObject({ phases, writeDocs: true });
  expect(readOptions(['--phase', 'users', '--write-docs'])).toMatchObject({ phases: ['users'] });
});

test.each([
  [['--fast'], /--fast/],
  [['speed'], /speed/],
  [['--write-docs', '--quick'], /full run/],
  [['--write-docs', '--phase', 'speed'], /all phases/],
  [['--write-docs', '--phase', 'users', '--phase', 'speed'], /all phases/],
  [['--growth', '--phase', 'speed'], /--growth names its phases/],
  [['--growth', '--quick', '--write-docs'], /full run/],
])('refuses %j', (args, problem) => {
  expect(() => readOptions(args)).toThrow(problem);
});
