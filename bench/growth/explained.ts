import { z } from 'zod';

/** One execution of a statement, as Postgres's `auto_explain` reports it. */
export interface Explained {
  /** The statement's text, with single spaces. Also of statements inside functions and triggers. */
  text: string;
  ms: number;
  /** Pages of 8 KiB that it read, from memory or disk. */
  buffers: number;
  /** The indexes that it read, or looked for a conflict in. */
  indexes: string[];
  /** The tables that it read from end to end. */
  scanned: string[];
}

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string | undefined;
  'Index Name'?: string | undefined;
  'Conflict Arbiter Indexes'?: string[] | undefined;
  'Shared Hit Blocks'?: number | undefined;
  'Shared Read Blocks'?: number | undefined;
  /** A scan that its node never started. */
  'Actual Loops'?: number | undefined;
  Plans?: PlanNode[] | undefined;
}

const nodeSchema: z.ZodType<PlanNode> = z.lazy(() =>
  z.object({
    'Node Type': z.string(),
    'Relation Name': z.string().optional(),
    'Index Name': z.string().optional(),
    'Conflict Arbiter Indexes': z.array(z.string()).optional(),
    'Shared Hit Blocks': z.number().optional(),
    'Shared Read Blocks': z.number().optional(),
    'Actual Loops': z.number().optional(),
    Plans: z.array(nodeSchema).optional(),
  }),
);
const reportSchema = z.object({ 'Query Text': z.string(), Plan: nodeSchema });

const NOTICE = /^duration: ([\d.]+) ms {2}plan:\n([\s\S]*)$/;

/**
 * Reads a notice of `auto_explain` with `log_format = json`. Undefined: another notice.
 *
 * @see https://www.postgresql.org/docs/current/auto-explain.html
 */
export function readExplained(notice: string): Explained | undefined {
  const [, ms, json] = NOTICE.exec(notice) ?? [];
  if (ms === undefined || json === undefined) return undefined;
  const { 'Query Text': text, Plan: plan } = reportSchema.parse(JSON.parse(json));
  // A plan may hold branches that were not run, such as those of the other table of a view.
  const nodes = nodesOf(plan).filter((node) => node['Actual Loops'] !== 0);
  return {
    text: text.replaceAll(/--.*$/gm, '').replaceAll(/\s+/g, ' ').trim(),
    ms: Number(ms),
    buffers: (plan['Shared Hit Blocks'] ?? 0) + (plan['Shared Read Blocks'] ?? 0),
    indexes: unique(nodes.flatMap(indexesOf)),
    scanned: unique(nodes.flatMap(scannedTableOf)),
  };
}

function nodesOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)];
}

function indexesOf(node: PlanNode): string[] {
  const { 'Index Name': index, 'Conflict Arbiter Indexes': arbiters = [] } = node;
  return index === undefined ? arbiters : [index, ...arbiters];
}

function scannedTableOf(node: PlanNode): string[] {
  const { 'Node Type': type, 'Relation Name': table } = node;
  return type === 'Seq Scan' && table !== undefined ? [table] : [];
}

/** In alphabetical order. */
export function unique(values: readonly string[]): string[] {
  return [...new Set(values)].sort();
}
