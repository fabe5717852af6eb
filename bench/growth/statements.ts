import { median, rounded } from '../statistics.ts';
import { type Explained, unique } from './explained.ts';

/** A statement, and what its executions came to at one number of rows. */
export interface MeasuredStatement {
  /** The part of the product that issues it, such as `call`. */
  path: string;
  /** The function that issued it first. */
  operation: string;
  text: string;
  indexes: string[];
  /** The growing tables that it reads from end to end. */
  scanned: string[];
  ms: number;
  buffers: number;
}

interface Executions extends Pick<MeasuredStatement, 'path' | 'operation' | 'text'> {
  runs: Explained[];
}

/** Collects what the operations executed, one entry for each text. */
export function createStatements(growing: readonly string[]) {
  const byText = new Map<string, Executions>();
  return {
    add(path: string, operation: string, explained: readonly Explained[]): void {
      for (const run of explained) {
        const { text } = run;
        const executions = byText.get(text) ?? { path, operation, text, runs: [] };
        executions.runs.push(run);
        byText.set(text, executions);
      }
    },
    measured(): MeasuredStatement[] {
      return [...byText.values()].filter(({ text }) => /\bmcp_/.test(text)).map(measuredOf(growing));
    },
  };
}

function measuredOf(growing: readonly string[]) {
  return ({ runs, ...statement }: Executions): MeasuredStatement => ({
    ...statement,
    indexes: unique(runs.flatMap(({ indexes }) => indexes)),
    scanned: unique(runs.flatMap(({ scanned }) => scanned)).filter((table) => growing.includes(table)),
    ms: rounded(median(runs.map(({ ms }) => ms)), 3),
    // The most: of several deletions, the first finds rows to delete.
    buffers: Math.max(...runs.map(({ buffers }) => buffers)),
  });
}

/** The figures of one statement at each size, in the order of the sizes. */
export interface GrowingStatement extends Omit<MeasuredStatement, 'ms' | 'buffers'> {
  at: { ms: number; buffers: number }[];
}

/** @throws if a statement was not executed at each size: then its figures could not be compared */
export function sideBySide(measured: readonly MeasuredStatement[][]): GrowingStatement[] {
  const [first = [], ...later] = measured;
  for (const statement of later.flat()) sameIn(first, statement);
  return first.map((statement) => {
    const all = [statement, ...later.map((size) => sameIn(size, statement))];
    const { path, operation, text } = statement;
    return {
      ...{ path, operation, text },
      indexes: unique(all.flatMap(({ indexes }) => indexes)),
      // Of the largest size: Postgres reads a table of a few pages from end to end, whatever its indexes.
      scanned: all.at(-1)?.scanned ?? [],
      at: all.map(({ ms, buffers }) => ({ ms, buffers })),
    };
  });
}

function sameIn(size: readonly MeasuredStatement[], { text }: MeasuredStatement): MeasuredStatement {
  const same = size.find((one) => one.text === text);
  if (same === undefined) throw new Error(`not executed at each size: ${text}`);
  return same;
}

const TABLE = '(?:\\w+\\.)?(mcp_\\w+)';
const CHANGES = [
  ['INSERT', new RegExp(`\\bINSERT INTO ${TABLE}`)],
  ['DELETE', new RegExp(`\\bDELETE FROM ${TABLE}`)],
  ['UPDATE', new RegExp(`\\bUPDATE ${TABLE}`)],
] as const;
const READ = new RegExp(`\\bFROM ${TABLE}`);

/** Such as `UPDATE mcp_credential`: what the statement does, and to which table first. */
export function titleOf(text: string): string {
  for (const [verb, pattern] of CHANGES) {
    const table = pattern.exec(text)?.[1];
    if (table !== undefined) return `${verb} ${table}`;
  }
  const read = READ.exec(withoutParentheses(text)) ?? READ.exec(text) ?? /\b(mcp_\w+)/.exec(text);
  return `SELECT ${read?.[1] ?? ''}`;
}

/** A subquery's tables are not what the statement is about. */
function withoutParentheses(text: string): string {
  const shorter = text.replaceAll(/\([^()]*\)/g, '');
  return shorter === text ? text : withoutParentheses(shorter);
}
