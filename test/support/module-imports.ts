import { type BindingPattern, type Directive, parseSync, type Statement, Visitor } from 'oxc-parser';

export interface ModuleFacts {
  /** What it imports, as written: static, dynamic, re-exported and type-only. */
  imports: string[];
  /** Whether it reads `process.env`. */
  readsEnvironment: boolean;
  /** Whether it uses `AbortSignal.timeout` or `AbortSignal.any`. */
  usesCollectableTimers: boolean;
  /** Whether a variable at its top level can change: a `let`, or a collection that is not declared read-only. */
  keepsState: boolean;
}

const COLLECTIONS = new Set<unknown>(['Map', 'Set', 'WeakMap', 'WeakSet', 'Array']);
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
  return { imports, readsEnvironment, usesCollectableTimers, keepsState: program.body.some(isState) };
}

function isState(statement: Statement | Directive): boolean {
  const declared = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement;
  if (declared?.type !== 'VariableDeclaration') return false;
  return (
    declared.kind !== 'const' ||
    declared.declarations.some(({ id, init }) => isCollection(init) && !isReadonly(id))
  );
}

function isCollection(init: unknown): boolean {
  return isObject(init) && init.type === 'NewExpression' && COLLECTIONS.has(propertyName(init.callee));
}

function isReadonly(id: BindingPattern): boolean {
  const type = id.typeAnnotation?.typeAnnotation;
  return type?.type === 'TSTypeReference' && /^Readonly(Set|Map)$/.test(String(propertyName(type.typeName)));
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
