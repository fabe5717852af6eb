// node scripts/bundle-envconfig.mjs <folder>
// Replaces the imports of <folder>/config/envconfig.js by the code that it needs; src/config/envconfig.ts says why.
import { readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';

const PACKAGES = fileURLToPath(new URL('../node_modules/', import.meta.url));
const file = join(resolve(process.argv[2] ?? 'dist'), 'config', 'envconfig.js');

const { output } = await build({
  input: file,
  platform: 'node',
  output: { file, format: 'esm', sourcemap: true, banner },
});
const left = output.flatMap(({ imports = [] }) => imports).filter((name) => !isBuiltin(name));
if (left.length > 0) throw new Error(`${file} still imports ${left.join(', ')}`);

/** The licenses of the packages whose code the file holds. */
function banner({ moduleIds }) {
  const names = new Set(moduleIds.flatMap((id) => packageOf(id) ?? []));
  const licenses = [...names].sort().map((name) => `${name}\n\n${licenseOf(name)}`);
  return `/*\n${licenses.join('\n\n')}\n*/`;
}

function packageOf(path) {
  return /node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/.exec(path)?.[1].replaceAll('\\', '/');
}

function licenseOf(name) {
  return readFileSync(join(PACKAGES, name, 'LICENSE'), 'utf8').trim();
}
