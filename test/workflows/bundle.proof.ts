import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const WORKFLOWS = join(ROOT, 'src/workflows/index.ts');
/** What others import into workflows of their own. */
const EXPORTED = join(ROOT, 'src/workflow.ts');
const FOR_AGENTS = [join(ROOT, 'src/openai-agents.ts'), join(ROOT, 'src/ai-sdk.ts')];

/** What workflows may need. Whatever else came in would cost memory and start-up time for each cached one. */
const PACKAGES = new Set([
  ...['@temporalio/common', '@temporalio/workflow', 'long', 'ms', 'nexus-rpc'],
  ...['@noble/hashes', '@scure/base'],
]);

test.each([WORKFLOWS, EXPORTED, ...FOR_AGENTS])(
  '%s imports only packages that workflows need',
  async (path) => {
    const packages = await packagesIn(path);

    expect(packages).toContain('@temporalio/workflow');
    expect(packages.filter((name) => !PACKAGES.has(name))).toEqual([]);
  },
);

test('the workflow bundle holds only workflows and contracts of this project', async () => {
  const own = (await sourcesOf(WORKFLOWS)).flatMap((path) => /^src\/[^/]+/.exec(path) ?? []);

  expect([...new Set(own)].sort()).toEqual(['src/contracts', 'src/workflows']);
});

test('the export for other workflows brings only workflows and contracts of this project', async () => {
  const own = (await sourcesOf(EXPORTED)).flatMap(
    (path) => /^src\/[^/]+(?<!\.cjs)$|^src\/[^/]+(?=\/)/.exec(path) ?? [],
  );

  expect([...new Set(own)].sort()).toEqual(['src/contracts', 'src/workflow.ts', 'src/workflows']);
});

test.each(FOR_AGENTS)('%s brings only workflow code of this project', async (path) => {
  const own = (await sourcesOf(path)).flatMap((source) => /^src\/[^/]+(?=\/)/.exec(source) ?? []);

  expect([...new Set(own)].sort()).toEqual(['src/agents', 'src/contracts', 'src/workflows']);
});

test('an import of zod is noticed and one of a Node built-in is refused (negative control)', async () => {
  const folder = await mkdtemp(join(ROOT, 'node_modules', '.latchkey-bundle-'));
  try {
    const withZod = join(folder, 'zod.js');
    await writeFile(withZod, "import { z } from 'zod'; export const w = async () => z.string().parse('a');");
    expect(await packagesIn(withZod)).toContain('zod');

    const withFs = join(folder, 'fs.js');
    await writeFile(
      withFs,
      "import { readFileSync } from 'node:fs'; export const w = async () => readFileSync('a');",
    );
    await expect(packagesIn(withFs)).rejects.toThrow(/Webpack finished with errors/);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

async function packagesIn(workflowsPath: string): Promise<string[]> {
  const sources = await sourcesOf(workflowsPath);
  const names = sources.flatMap((path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []);
  return [...new Set(names)].filter((name) => !name.startsWith('.')).sort();
}

/** The bundle's modules, from its source map: relative to the repository's root. */
async function sourcesOf(workflowsPath: string): Promise<string[]> {
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR', () => {}) });
  const base64 = code.slice(code.lastIndexOf('base64,') + 'base64,'.length);
  // A source map, revision 3: `sources` is a list of paths.
  const { sources } = JSON.parse(Buffer.from(base64, 'base64').toString('utf8')) as { sources: string[] };
  return sources.map((path) => path.replace(ROOT, ''));
}
