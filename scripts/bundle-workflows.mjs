// node scripts/bundle-workflows.mjs <folder>
// Writes <folder>/workflow-bundle*-<version of the SDK>.js, so that a worker with that version starts without bundling,
// and all such workers of a build run the same code.
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SOURCE_MAP = /(?<=\n\/\/# sourceMappingURL=data:application\/json;charset=utf-8;base64,)[\w+/=]+\s*$/;

const { version } = createRequire(import.meta.url)('@temporalio/worker/package.json');
const folder = resolve(process.argv[2] ?? 'dist');
const options = await import(pathToFileURL(join(folder, 'temporal', 'workflow-bundle-options.js')).href);
await bundle(`workflow-bundle-${version}.js`, {});
// The bundle determines the failure converter of its workflows. The worker's option does not.
await bundle(`workflow-bundle-encrypting-${version}.js`, {
  failureConverterPath: options.encryptingFailureConverterPath(),
});

async function bundle(name, more) {
  const { code } = await bundleWorkflowCode({
    ...options.workflowBundleOptions({ stackTraces: false }),
    ...more,
    logger: new DefaultLogger('WARN'),
  });
  await writeFile(join(folder, name), code.replace(SOURCE_MAP, withRelativeSources));
}

/** Makes stack traces in workflow histories independent of the folder in which the project was built. */
function withRelativeSources(base64) {
  const map = JSON.parse(Buffer.from(base64, 'base64').toString('utf8'));
  map.sources = map.sources.map((source) => source.replace(ROOT, ''));
  return Buffer.from(JSON.stringify(map)).toString('base64');
}
