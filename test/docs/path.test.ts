import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const DOCS = new URL('../../docs/', import.meta.url);

test("the newcomer's path names every page of the documentation once", () => {
  const pages = readdirSync(DOCS).filter((name) => name.endsWith('.md') && name !== 'README.md');
  const named = [...read('README.md').matchAll(/^\| \[([\w-]+\.md)\]\(\1\) \| \S.* \|$/gm)];

  expect(named.map(([, name]) => name).sort()).toEqual(pages.sort());
});

test('the README leads to the path', () => {
  expect(read('../README.md')).toContain('(docs/README.md)');
});

function read(path: string): string {
  return readFileSync(new URL(path, DOCS), 'utf8');
}
