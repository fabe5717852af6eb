import { existsSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { SCENES } from './page-scenes.ts';
import { type Block, blocksOf, commandsOf } from './reader/page.ts';
import { hasShape } from './reader/shape.ts';

const ROOT = new URL('../../', import.meta.url);
/** Three need Docker or a cluster; the others a network of one's own, Temporal Cloud, two versions, or half an hour. */
const MOST_THAT_DO_NOT_RUN = 7;

test('every block that a reader runs is run by a test, or says why not', () => {
  const unmarked = pages()
    .filter((page) => !(page in SCENES))
    .flatMap((page) => blocksOf(page).filter(({ mark }) => mark === undefined));

  expect(unmarked.map(({ at }) => at)).toEqual([]);
  expect(Object.keys(SCENES).filter((page) => runHere(page).length === 0)).toEqual([]);
  expect(Object.keys(SCENES).flatMap(runHere).length).toBeGreaterThan(30);
});

test('few blocks are not run, each for a reason, and the others name a test that is there', () => {
  const marks = pages().flatMap((page) => blocksOf(page).flatMap(({ mark }) => mark ?? []));
  const runBy = marks.filter(({ kind }) => kind === 'run by').map(({ words }) => words);

  expect(marks.length - runBy.length).toBeLessThanOrEqual(MOST_THAT_DO_NOT_RUN);
  expect(runBy.filter((path) => !existsSync(new URL(path, ROOT)))).toEqual([]);
});

test('a console block is read as its commands and what they print', () => {
  const text = '$ psql -c "SELECT 1,\n  2"\n 1 | 2\n$ npx latchkey x \\\n  --y   # why "so\n$ echo $?\n0\n';
  const block: Block = { at: 'p:1', page: 'p', language: 'console', text, mark: undefined };

  expect(commandsOf(block)).toEqual([
    { command: 'psql -c "SELECT 1,\n  2"', shown: ' 1 | 2\n' },
    { command: 'npx latchkey x \\\n  --y   # why "so', shown: '' },
    { command: 'echo $?', shown: '0\n\n' },
  ]);
});

test('an output has the shape of another if only times, numbers, hosts and widths differ', () => {
  const shown = 'steps   12\n2026-01-01 10:00:00+00 | a-1\n…\nlast\n';

  expect(hasShape('steps 3\r\n2027-02-02 11:11:11+00 |   a-1\nx\ny\nlast\n', shown)).toBe(true);
  expect(hasShape('steps 3\n2027-02-02 11:11:11+00 | a-2\nlast\n', shown)).toBe(false);
  expect(hasShape('steps 3\n', 'steps 3\nmore\n')).toBe(false);
});

function runHere(page: string): Block[] {
  return blocksOf(page).filter(({ mark }) => mark === undefined);
}

function pages(): string[] {
  const docs = readdirSync(new URL('docs', ROOT)).filter((name) => name.endsWith('.md'));
  return ['README.md', 'CONTRIBUTING.md', ...docs.map((name) => `docs/${name}`)];
}
