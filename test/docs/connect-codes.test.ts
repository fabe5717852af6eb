import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { CONNECT_CODES } from '../../src/connect/connect-code.ts';

test('the page on connecting explains every code of a connect session, one a row, and no other', async () => {
  const page = await readFile(new URL('../../docs/connect.md', import.meta.url), 'utf8');
  const rows = page
    .slice(page.indexOf('### When it does not work'))
    .matchAll(/^\| `([a-z-]+)` \| [^|]+ \| [^|]+ \|$/gm);
  expect([...rows].map(([, code]) => code)).toEqual(['code', ...CONNECT_CODES]);
});
