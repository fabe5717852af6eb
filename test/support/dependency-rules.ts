import { posix } from 'node:path';
import { type ImportGraph, importCircles } from './import-circles.ts';
import { factsOf } from './module-imports.ts';

/** A file below `src/`, by its path from there. */
export interface SourceFile {
  path: string;
  source: string;
}

/**
 * Which folder may import which, from the top down: a layer may import every layer below it. `roots` are the
 * files directly in `src/`. A folder inside another one that is named here is a unit of its own.
 */
const LAYERS = [
  ['roots', 'commands', 'dev', 'client'],
  ['operations', 'process', 'vault/boot-check'],
  ['config'],
  ['http', 'activities', 'nexus'],
  ['web'],
  ['changes', 'connect', 'tools', 'steps', 'webhooks', 'vault/rotation'],
  ['credentials', 'mcp', 'servers', 'results'],
  ['oauth', 'net', 'audit', 'db', 'vault', 'payloads', 'turns', 'temporal'],
  ['telemetry'],
  ['logging', 'async'],
];

/** The only arrows between folders of one layer. */
const SIDEWAYS = [
  'roots → commands',
  'roots → client',
  'commands → roots',
  'commands → client',
  'dev → roots',
  'dev → commands',
  'operations → process',
  'operations → vault/boot-check',
  'vault/boot-check → process',
  'credentials → servers',
  'mcp → servers',
  'oauth → net',
  'audit → db',
  'temporal → db',
  'temporal → payloads',
  'payloads → vault',
];

/** The only file outside `dev` that imports from it, and what it imports. */
const DEV_ENTRY = { from: 'cli.ts', to: 'dev/command.ts' };

const UNITS = new Set([...LAYERS.flat(), 'contracts', 'schemas', 'workflows', 'agents', 'dev/embedded']);

/** The files in `src/` that others import into workflows of their own, and what these may import besides contracts. */
const WORKFLOW_ENTRIES: Record<string, string[]> = {
  'workflow.ts': ['workflows'],
  'nexus.ts': [],
  'openai-agents.ts': ['agents'],
  'ai-sdk.ts': ['agents'],
};

/** The only packages of the folders that run inside workflows. */
const PACKAGES: Record<string, string[]> = {
  contracts: ['@temporalio/common', '@temporalio/workflow', '@noble/hashes', '@scure/base', 'nexus-rpc'],
  workflows: ['@temporalio/workflow'],
  agents: ['@temporalio/common', '@temporalio/workflow', '@noble/hashes'],
};

/** Where bytes from outside are parsed; the embedded MCP server describes its tools to the SDK in zod. */
const PARSE_WITH_ZOD = new Set([
  ...[
    'schemas',
    'config',
    'http',
    'nexus',
    'mcp',
    'oauth',
    'servers',
    'credentials',
    'connect',
    'dev',
    'dev/embedded',
  ],
]);

/** Loaded once per worker: see src/temporal/workflow-bundle-options.ts. */
const SHARED_BY_WORKFLOWS = new Set(['contracts', 'workflows']);

/** Every breach of the rules, each as a sentence that names the file. */
export function breachesIn(files: SourceFile[]): string[] {
  const circles = importCircles(importGraph(files));
  return [
    ...files.flatMap(breachesOf),
    ...circles.map((circle) => `${circle.join(', ')} import each other in a circle`),
  ];
}

/** Every breach in `bench/`, whose paths are from the root: it may import all of `src`, and no test. */
export function breachesInBench(files: SourceFile[]): string[] {
  const breaches = [...importGraph(files)].flatMap(([path, targets]) =>
    targets
      .filter((target) => !/^(bench|src)\//.test(target))
      .map((target) => `${path} may not import ${target}`),
  );
  const circles = importCircles(importGraph(files));
  return [...breaches, ...circles.map((circle) => `${circle.join(', ')} import each other in a circle`)];
}

function importGraph(files: SourceFile[]): ImportGraph {
  return new Map(
    files.map(({ path, source }) => [
      path,
      factsOf(path, source)
        .imports.filter((specifier) => specifier.startsWith('.'))
        .map((specifier) => posix.join(posix.dirname(path), specifier)),
    ]),
  );
}

function breachesOf({ path, source }: SourceFile): string[] {
  const { imports, readsEnvironment, usesCollectableTimers, keepsState } = factsOf(path, source);
  const breaches = imports.flatMap((specifier) => breachOf(path, specifier) ?? []);
  if (readsEnvironment && !isConfig(path)) breaches.push(`${path} reads process.env: only config may`);
  if (usesCollectableTimers) {
    breaches.push(`${path} uses AbortSignal.timeout or AbortSignal.any: use async/deadline.ts`);
  }
  if (keepsState && SHARED_BY_WORKFLOWS.has(unitOf(path))) {
    breaches.push(`${path} keeps state at its top level: all workflows of a worker share the module`);
  }
  return breaches;
}

function breachOf(path: string, specifier: string): string | undefined {
  const allowed = specifier.startsWith('.')
    ? mayImportFile(path, posix.join(posix.dirname(path), specifier))
    : mayImportPackage(path, specifier);
  return allowed ? undefined : `${path} may not import ${specifier}`;
}

function mayImportFile(path: string, target: string): boolean {
  const from = unitOf(path);
  const to = unitOf(target);
  if (!UNITS.has(from) || !UNITS.has(to)) return false;
  const ofEntry = WORKFLOW_ENTRIES[path];
  if (ofEntry !== undefined) return to === 'contracts' || ofEntry.includes(to);
  if (from === to) return true;
  if (to === 'contracts') return true;
  if (from === 'agents') return to === 'workflows';
  if (from === 'contracts' || from === 'workflows' || to === 'agents') return false;
  if (to === 'schemas') return true;
  if (to === 'dev/embedded') return from === 'dev';
  if (to === 'dev') return path === DEV_ENTRY.from && target === DEV_ENTRY.to;
  if (from === 'schemas' || from === 'dev/embedded' || to === 'workflows') return false;
  return layerOf(from) < layerOf(to) || SIDEWAYS.includes(`${from} → ${to}`);
}

function mayImportPackage(path: string, specifier: string): boolean {
  const folder = unitOf(path);
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  if (name === 'zod') return PARSE_WITH_ZOD.has(folder) || isConfig(path);
  return PACKAGES[folder]?.includes(name) ?? true;
}

function unitOf(path: string): string {
  const [first = '', second = '', ...rest] = path.split('/');
  if (second === '') return 'roots';
  const inner = `${first}/${second}`;
  return rest.length > 0 && (LAYERS.flat().includes(inner) || inner === 'dev/embedded') ? inner : first;
}

function isConfig(path: string): boolean {
  return unitOf(path) === 'config';
}

function layerOf(unit: string): number {
  return LAYERS.findIndex((layer) => layer.includes(unit));
}
