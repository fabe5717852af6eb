import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { RACES } from './race-runner.ts';

test('what is never run once more is there: a test that has moved would be', () => {
  expect(RACES.filter((path) => !existsSync(path))).toEqual([]);
});
