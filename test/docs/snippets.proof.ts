import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { pageBlocks } from './page-blocks.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const CONTEXT = fileURLToPath(new URL('snippets-context.d.ts', import.meta.url));
/** The frameworks' own packages are not installed here. `npm run test:agents` checks the types of these blocks where they are. */
const OF_FRAMEWORKS =
  /from '(@temporalio\/openai-agents|@temporalio\/ai-sdk|@ai-sdk\/|@openai\/agents-openai)/;

const run = promisify(execFile);

test('every TypeScript block of a page passes the type checker', async () => {
  const blocks = pageBlocks('ts').filter(({ text }) => !OF_FRAMEWORKS.test(text));
  expect(blocks.length).toBeGreaterThan(8);

  expect(await typeErrors(blocks)).toBe('');
});

/** What `tsc` says, in the settings of this project. */
async function typeErrors(blocks: ReturnType<typeof pageBlocks>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-snippets-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  await copyFile(CONTEXT, join(folder, 'context.d.ts'));
  // The last line makes a module of a block without imports.
  for (const { name, text } of blocks) await writeFile(join(folder, `${name}.mts`), `${text}\nexport {};\n`);
  const settings = { extends: join(ROOT, 'tsconfig.json'), include: ['*.mts', '*.d.ts'], exclude: [] };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(settings));
  const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  return run(process.execPath, [compiler, '--pretty', 'false', '-p', folder]).then(
    () => '',
    (error: { stdout: string }) => error.stdout,
  );
}
