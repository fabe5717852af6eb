import { readFileSync } from 'node:fs';
import { parseSync } from 'oxc-parser';
import { describe, expect, test } from 'vitest';

const ROOT = new URL('../../', import.meta.url);
const EXPORTS = exportsOfPackage();
/** Exported for a test. */
const INTERNAL = 'modelOutput';

describe('the pages of the API', () => {
  test.for(Object.entries(EXPORTS))('%s has a page with every name that its file exports', ([name, file]) => {
    const page = readFileSync(new URL(`docs/api/${name.replace(/^latchkey\//, '')}.md`, ROOT), 'utf8');
    const named = page.matchAll(/^### (?:~~)?([\w\\]+)/gm);
    const headings = new Set([...named].map(([, heading = '']) => heading.replaceAll('\\', '')));

    expect(page).toContain(`# \`${name}\``);
    expect(namesIn(file).filter((one) => !headings.has(one))).toEqual([]);
  });

  test('there is one for each export of the package', () => {
    expect(Object.keys(EXPORTS)).toHaveLength(6);
  });
});

/** The source file of each export, by the name that an application imports. */
function exportsOfPackage(): Record<string, string> {
  const { exports } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')) as {
    exports: Record<string, { types?: string }>;
  };
  const modules = Object.entries(exports).filter(([, { types }]) => types !== undefined);
  return Object.fromEntries(
    modules.map(([path, { types = '' }]) => [
      path.replace('.', 'latchkey'),
      types.replace('./dist/', 'src/').replace('.d.ts', '.ts'),
    ]),
  );
}

/** What it exports by name, and the types of the files that it exports as a whole. */
function namesIn(file: string): string[] {
  const entries = exportsOf(file);
  const own = entries.flatMap(({ exportName }) => exportName.name ?? []);
  const whole = entries.filter(({ importName }) => importName.kind.startsWith('All'));
  const types = whole.flatMap(({ moduleRequest }) => {
    const from = new URL(moduleRequest?.value ?? '', new URL(file, ROOT)).href.slice(ROOT.href.length);
    return exportsOf(from).flatMap(({ isType, exportName }) => (isType ? (exportName.name ?? []) : []));
  });
  return [...own, ...types].filter((name) => name !== INTERNAL);
}

function exportsOf(file: string) {
  const { module, errors } = parseSync(file, readFileSync(new URL(file, ROOT), 'utf8'));
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`);
  return module.staticExports.flatMap(({ entries }) => entries);
}
