import { parseSync, Visitor } from 'oxc-parser';

export interface ModuleFacts {
  /** What it imports, as written: static, dynamic, re-exported and type-only. */
  imports: string[];
  /** Whether it reads `process.env`. */
  readsEnvironment: boolean;
  /** Whether it uses `AbortSignal.timeout` or `AbortSignal.any`. */
  usesCollectableTimers: boolean;
}

const COLLECTABLE = new Set<unknown>(['timeout', 'any']);

/** @throws when the source does not parse, or imports what only running it would tell */
export function factsOf(path: string, source: string): ModuleFacts {
  const { program, errors } = parseSync(path, source);
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]?.message}`);
  const imports: string[] = [];
  let readsEnvironment = false;
  let usesCollectableTimers = false;
  const note = (specifier: unknown) => imports.push(literal(path, specifier));
  new Visitor({
    ImportDeclaration(node) {
      note(node.source);
      readsEnvironment ||= /^(node:)?process$/.test(node.source.value);
    },
    ExportAllDeclaration: (node) => note(node.source),
    ExportNamedDeclaration: (node) => node.source && note(node.source),
    ImportExpression: (node) => note(node.source),
    TSImportType: (node) => note(node.source),
    MemberExpression(node) {
      const ofProcess = node.object.type === 'Identifier' && node.object.name === 'process';
      readsEnvironment ||= ofProcess && propertyName(node.property) === 'env';
      const ofAbortSignal = node.object.type === 'Identifier' && node.object.name === 'AbortSignal';
      usesCollectableTimers ||= ofAbortSignal && COLLECTABLE.has(propertyName(node.property));
    },
    VariableDeclarator(node) {
      const ofProcess = node.init?.type === 'Identifier' && node.init.name === 'process';
      readsEnvironment ||= ofProcess && node.id.type === 'ObjectPattern';
    },
  }).visit(program);
  return { imports, readsEnvironment, usesCollectableTimers };
}

function literal(path: string, node: unknown): string {
  if (isObject(node) && node.type === 'Literal' && typeof node.value === 'string') return node.value;
  throw new Error(`${path}: an import whose name is computed can't be checked`);
}

function propertyName(node: unknown): unknown {
  return isObject(node) ? (node.name ?? node.value) : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
