import { posix } from 'node:path';
import { factsOf } from './module-imports.ts';

/** A file below `src/`, by its path from there. */
export interface SourceFile {
  path: string;
  source: string;
}

/**
 * Which folder may import which, from the top down: a layer may import every layer below it. `roots` are the
 * files directly in `src/`; `commands`, `demo` and `config` put things together as they do.
 */
const LAYERS = [
  ['roots', 'commands', 'demo', 'config'],
  ['http', 'activities', 'offboarding', 'repair'],
  ['tools', 'results', 'webhooks', 'keys'],
  ['credentials', 'mcp', 'servers', 'steps'],
  ['oauth', 'net', 'audit', 'db', 'vault', 'payloads', 'turns'],
];

/** The only arrows between folders of one layer. */
const SIDEWAYS = [
  'roots → commands',
  'commands → roots',
  'commands → config',
  'roots → demo',
  'roots → config',
  'demo → roots',
  'demo → config',
  'credentials → servers',
  'mcp → servers',
  'oauth → net',
  'audit → db',
  'payloads → vault',
];

const ROOT_LIKE = ['roots', 'commands', 'demo'];
const FOLDERS = new Set([...LAYERS.flat(), 'contracts', 'schemas', 'workflows', 'embedded']);

/** The only packages of the two folders that run inside workflows. */
const PACKAGES: Record<string, string[]> = {
  contracts: ['@temporalio/common', '@temporalio/workflow', '@noble/hashes', '@scure/base'],
  workflows: ['@temporalio/workflow'],
};

/** Where bytes from outside are parsed; the embedded MCP server describes its tools to the SDK in zod. */
const PARSE_WITH_ZOD = new Set([
  ...['schemas', 'config', 'http', 'mcp', 'oauth', 'servers', 'credentials', 'embedded'],
]);

/** Every breach of the rules, each as a sentence that names the file. */
export function breachesIn(files: SourceFile[]): string[] {
  return files.flatMap(({ path, source }) => {
    const { imports, readsEnvironment, usesCollectableTimers } = factsOf(path, source);
    const breaches = imports.flatMap((specifier) => breachOf(path, specifier) ?? []);
    if (readsEnvironment && !isConfig(path)) breaches.push(`${path} reads process.env: only config may`);
    if (usesCollectableTimers) {
      breaches.push(`${path} uses AbortSignal.timeout or AbortSignal.any: use net/deadline.ts`);
    }
    return breaches;
  });
}

function breachOf(path: string, specifier: string): string | undefined {
  const allowed = specifier.startsWith('.')
    ? mayImportFile(path, posix.join(posix.dirname(path), specifier))
    : mayImportPackage(path, specifier);
  return allowed ? undefined : `${path} may not import ${specifier}`;
}

function mayImportFile(path: string, target: string): boolean {
  const from = folderOf(path);
  const to = folderOf(target);
  if (!FOLDERS.has(from) || !FOLDERS.has(to)) return false;
  if (target === 'logger.ts') return from !== 'workflows' && from !== 'contracts';
  // What others import into workflows of their own.
  if (path === 'workflow.ts') return to === 'workflows' || to === 'contracts';
  if (from === to) return true;
  if (to === 'contracts') return true;
  if (from === 'contracts' || from === 'workflows') return false;
  if (to === 'schemas') return true;
  if (to === 'embedded') return ROOT_LIKE.includes(from);
  if (from === 'schemas' || from === 'embedded' || to === 'workflows') return false;
  return layerOf(from) < layerOf(to) || SIDEWAYS.includes(`${from} → ${to}`);
}

function mayImportPackage(path: string, specifier: string): boolean {
  const folder = folderOf(path);
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  if (name === 'zod') return PARSE_WITH_ZOD.has(folder) || isConfig(path);
  return PACKAGES[folder]?.includes(name) ?? true;
}

function folderOf(path: string): string {
  const [first = '', ...rest] = path.split('/');
  return rest.length === 0 ? 'roots' : first;
}

function isConfig(path: string): boolean {
  return path === 'config.ts' || folderOf(path) === 'config';
}

function layerOf(folder: string): number {
  return LAYERS.findIndex((layer) => layer.includes(folder));
}
