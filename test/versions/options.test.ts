import { expect, test } from 'vitest';
import { readOptions } from './options.ts';

test('without options, every version is tested but the Node that runs the tests anyway', () => {
  expect(readOptions([], 20)).toEqual({ nodes: [22, 24], postgres: [14, 15, 16, 17, 18] });
  expect(readOptions([], 24).nodes).toEqual([20, 22]);
});

test('with options, only those are tested', () => {
  const args = ['--node', '26', '--postgres', '14', '--postgres', '16'];
  expect(readOptions(args, 20)).toEqual({ nodes: [26], postgres: [14, 16] });
  expect(readOptions(['--postgres', '14'], 20).nodes).toEqual([]);
});

test.for([
  [['--postgres', '13'], /no Postgres 13/],
  [['--node', '22.1'], /22\.1 is not a major version/],
  [['--nodes', '22'], /nodes/],
] as const)('%s is refused', ([args, message]) => {
  expect(() => readOptions([...args], 20)).toThrow(message);
});
