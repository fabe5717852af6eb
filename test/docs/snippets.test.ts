import { expect, test } from 'vitest';
import { pageBlocks } from './page-blocks.ts';

test('every JSON block of a page is JSON', () => {
  const blocks = pageBlocks('json');

  expect(blocks.length).toBeGreaterThan(10);
  expect(blocks.filter(({ text }) => !isJson(text)).map(({ name }) => name)).toEqual([]);
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
