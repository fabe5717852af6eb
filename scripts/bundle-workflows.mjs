// node scripts/bundle-workflows.mjs <folder>: writes <folder>/workflow-bundle.js, so that a worker starts
// without bundling, and all workers of one build run the same bytes.
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SOURCE_MAP = /(?<=\n\/\/# sourceMappingURL=data:application\/json;charset=utf-8;base64,)[\w+/=]+\s*$/;

const folder = resolve(process.argv[2] ?? 'dist');
const { code } = await bundleWorkflowCode({
  workflowsPath: join(folder, 'workflows', 'index.js'),
  payloadConverterPath: join(folder, 'contracts', 'lenient-payload-converter.js'),
  logger: new DefaultLogger('WARN'),
});
await writeFile(join(folder, 'workflow-bundle.js'), code.replace(SOURCE_MAP, withRelativeSources));

/** Stack traces in workflow histories name files of this project, not where somebody once built it. */
function withRelativeSources(base64) {
  const map = JSON.parse(Buffer.from(base64, 'base64').toString('utf8'));
  map.sources = map.sources.map((source) => source.replace(ROOT, ''));
  return Buffer.from(JSON.stringify(map)).toString('base64');
}
