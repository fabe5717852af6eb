import { expect, test } from 'vitest';
import { formatTable } from '../../src/commands/table.ts';

const ROWS = [
  ['ledger', 'ada\u001b[2J'],
  ['notes', ''],
];

test('is a table with a heading for a person, without what a terminal would obey', () => {
  expect(formatTable(['server', 'label'], ROWS, true)).toBe('server  label\nledger  ada [2J\nnotes\n');
});

test('is a tab-separated line a row in a pipe, without the heading', () => {
  expect(formatTable(['server', 'label'], ROWS, false)).toBe('ledger\tada [2J\nnotes\t\n');
});
