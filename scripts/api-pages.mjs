// node scripts/api-pages.mjs [--out docs/api]
// Writes a page for each export of the package, from the doc comments in `dist/*.d.ts`. Fails if an exported name, or a
// member of an exported interface, has no doc comment.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cacheFolder } from '../dist/dev/embedded/server-binaries.js';
import { Problem } from './setup/problem.mjs';
import { run } from './setup/run.mjs';
import { ensureTypedoc } from './setup/typedoc.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** The pages, in the order in which a type that several exports share belongs to the first of them. */
const PAGES = [
  {
    file: 'client',
    page: 'latchkey',
    name: 'latchkey',
    intro: 'Steps from a program that has a Temporal client.',
    more: '[How to use it](../typescript.md#latchkey-steps-from-a-temporal-client).',
  },
  {
    file: 'workflow',
    page: 'workflow',
    name: 'latchkey/workflow',
    intro: 'Steps and listings as children of your own workflow, and the workflows of a Latchkey worker.',
    more: '[How to use it](../typescript.md#latchkeyworkflow-a-step-in-your-workflow), and [listings](../listing-tools.md).',
  },
  {
    file: 'worker-plugin',
    page: 'worker',
    name: 'latchkey/worker',
    intro: 'Latchkey in a Worker of your own.',
    more: '[How to use it](../typescript.md#latchkeyworker-latchkey-in-your-worker).',
  },
  {
    file: 'nexus',
    page: 'nexus',
    name: 'latchkey/nexus',
    intro: 'The Nexus service, for workflows in other namespaces.',
    more: '[How to use it](../nexus.md).',
  },
  {
    file: 'openai-agents',
    page: 'openai-agents',
    name: 'latchkey/openai-agents',
    intro: "A user's tools for the OpenAI Agents SDK.",
    more: '[How to use it](../agents.md#openai-agents-sdk-latchkeyopenai-agents).',
  },
  {
    file: 'ai-sdk',
    page: 'ai-sdk',
    name: 'latchkey/ai-sdk',
    intro: "A user's tools for the AI SDK.",
    more: '[How to use it](../agents.md#ai-sdk-latchkeyai-sdk).',
  },
];

const OPTIONS = {
  plugin: ['typedoc-plugin-markdown', join(ROOT, 'scripts', 'api-pages-plugin.mjs')],
  outputFileStrategy: 'modules',
  readme: 'none',
  disableSources: true,
  excludeExternals: true,
  excludeInternal: true,
  hidePageHeader: true,
  hideBreadcrumbs: true,
  useCodeBlocks: true,
  parametersFormat: 'table',
  interfacePropertiesFormat: 'table',
  classPropertiesFormat: 'table',
  propertyMembersFormat: 'table',
  typeDeclarationFormat: 'table',
  tableColumnSettings: { hideInherited: true, hideOverrides: true, hideSources: true },
  validation: { notDocumented: true, notExported: false },
  groupOrder: ['Functions', 'Variables', 'Interfaces', 'Type Aliases', 'Classes'],
  sort: ['source-order'],
  logLevel: 'Warn',
};

try {
  const { values } = parseArgs({ options: { out: { type: 'string', default: join(ROOT, 'docs', 'api') } } });
  await writePages(resolve(values.out));
} catch (error) {
  if (!(error instanceof Problem)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

async function writePages(out) {
  const typedoc = await ensureTypedoc(cacheFolder(process.env));
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-api-pages-'));
  try {
    await runTypedoc(typedoc, folder);
    rmSync(out, { recursive: true, force: true });
    mkdirSync(out, { recursive: true });
    for (const page of PAGES) writeFileSync(join(out, `${page.page}.md`), pageOf(page, folder));
    writeFileSync(join(out, 'README.md'), index());
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function runTypedoc(typedoc, folder) {
  const dist = (name) => join(ROOT, 'dist', `${name}.d.ts`);
  const tsconfig = join(folder, 'tsconfig.json');
  const compilerOptions = {
    rootDir: join(ROOT, 'dist'),
    typeRoots: [join(ROOT, 'node_modules', '@types')],
  };
  const files = PAGES.map(({ file }) => dist(file));
  writeFileSync(
    tsconfig,
    JSON.stringify({ extends: join(ROOT, 'tsconfig.json'), compilerOptions, files, include: [] }),
  );
  const options = join(folder, 'typedoc.json');
  writeFileSync(options, JSON.stringify({ ...OPTIONS, tsconfig, entryPoints: files, out: folder }));
  const program = join(typedoc, 'node_modules', 'typedoc', 'bin', 'typedoc');
  // It looks for its plugin from the folder in which it runs.
  const { ok, output } = await run(process.execPath, [program, '--options', options], {
    cwd: typedoc,
    env: { NO_COLOR: '1' },
  });
  const problems = output.split('\n').filter((line) => isProblem(line));
  if (!ok || problems.length > 0) throw new Problem(problems.join('\n') || output);
}

/** The comment of a union explains the members of its cases, which have no names of their own. */
function isProblem(line) {
  return /warning|error/i.test(line) && !/__type\b|^\[warning\] Found /.test(line);
}

function pageOf({ file, name, intro, more }, folder) {
  const [, ...lines] = readFileSync(join(folder, `${file}.md`), 'utf8').split('\n');
  const links = PAGES.reduce(
    (text, one) => text.replaceAll(`](${one.file}.md`, `](${one.page}.md`),
    lines.join('\n'),
  );
  return `# \`${name}\`\n\n${intro} ${more}\n\n[All exports](README.md).\n${links.trimEnd()}\n`;
}

function index() {
  const rows = PAGES.map(({ page, name, intro }) => `| [\`${name}\`](${page}.md) | ${intro} |`);
  return `${[
    '# API of the package',
    '',
    'Every function, type and option that the package exports. The pages are made from the doc comments by `npm run docs:api`.',
    '',
    '| import | for |',
    '|---|---|',
    ...rows,
  ].join('\n')}\n`;
}
