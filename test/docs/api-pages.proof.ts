import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';

const exec = promisify(execFile);
const SCRIPT = fileURLToPath(new URL('../../scripts/api-pages.mjs', import.meta.url));
const PAGES = fileURLToPath(new URL('../../docs/api', import.meta.url));
/** The first time, it installs TypeDoc. */
const LIMIT_MS = 5 * 60_000;

test('every export has a doc comment, and the pages are those of `npm run docs:api`', {
  timeout: LIMIT_MS,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-api-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));

  await exec(process.execPath, [SCRIPT, '--out', folder]);

  expect(await pagesIn(PAGES)).toEqual(await pagesIn(folder));
});

async function pagesIn(folder: string): Promise<Record<string, string>> {
  const names = await readdir(folder);
  const texts = names.map(
    async (name): Promise<[string, string]> => [name, await readFile(join(folder, name), 'utf8')],
  );
  return Object.fromEntries((await Promise.all(texts)).sort());
}
