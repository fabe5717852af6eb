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

/** What the JSON of a page is, by the name of its block. Answers of the API are checked against its description. */
const TYPES: Record<string, string> = {
  'listing-tools-1': `import('latchkey/workflow').McpToolsResult`,
  'webhooks-1': `import('${ROOT}src/contracts/webhooks.ts').WebhookPayload`,
  'webhooks-2': `import('${ROOT}src/contracts/webhooks.ts').WebhookPayload`,
  'webhooks-3': `import('${ROOT}src/contracts/webhooks.ts').WebhookPayload`,
};

const run = promisify(execFile);

test('every TypeScript block of a page passes the type checker', async () => {
  const blocks = pageBlocks('ts').filter(({ text }) => !OF_FRAMEWORKS.test(text));
  expect(blocks.length).toBeGreaterThan(8);

  expect(await typeErrors([...blocks, ...typedJson()])).toBe('');
});

/** Programs that are right if the JSON of the pages has its type. */
function typedJson(): ReturnType<typeof pageBlocks> {
  const blocks = pageBlocks('json').filter(({ name }) => name in TYPES);
  expect(blocks).toHaveLength(Object.keys(TYPES).length);
  return blocks.map(({ name, text }) => ({
    name: `json-${name}`,
    text: `export const value: ${TYPES[name]} = ${text}`,
  }));
}

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
