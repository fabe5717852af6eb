import { formatNumber, type Reader } from '../reader.ts';
import { countOf } from '../step-words.ts';
import type { ByteBudget } from './byte-budget.ts';

export interface TreeLimits {
  /** Values, keys and lists together. */
  nodes: number;
  /** Levels below the top. */
  depth: number;
  /** Members that are shown of one object or list. */
  members: number;
  /** Characters that are shown of one text. */
  characters: number;
}

const LIMITS: TreeLimits = { nodes: 300, depth: 12, members: 100, characters: 2_000 };
const MAX_KEY_CHARACTERS = 200;
/** Levels that are open at first. */
const OPEN_LEVELS = 2;
/** The markup around one value, estimated. */
const NODE_BYTES = 170;

interface Tree {
  reader: Reader;
  budget: ByteBudget;
  limits: TreeLimits;
  nodesLeft: number;
}

interface TreeProps {
  reader: Reader;
  budget: ByteBudget;
  /** Begins the ids of the nested levels. */
  id: string;
  value: unknown;
  limits?: TreeLimits;
}

/** A JSON value as nested lists of keys and values. Of a large value it shows a part and says what it leaves out. */
export function JsonTree({ reader, budget, id, value, limits = LIMITS }: TreeProps) {
  const tree: Tree = { reader, budget, limits, nodesLeft: limits.nodes };
  const members = membersOf(value);
  if (members === undefined) return <p class="tree">{scalar(tree, value)}</p>;
  if (members.count === 0) return <p class="muted">{Array.isArray(value) ? 'An empty list.' : 'None.'}</p>;
  return <div class="tree">{levelOf(tree, { id, members, depth: 0 })}</div>;
}

interface Members {
  count: number;
  isList: boolean;
  /** The first ones. */
  first(max: number): [key: string, value: unknown][];
}

function membersOf(value: unknown): Members | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (Array.isArray(value)) {
    const first = (max: number) =>
      value.slice(0, max).map((item, index): [string, unknown] => [String(index + 1), item]);
    return { count: value.length, isList: true, first };
  }
  const keys = Object.keys(value);
  const first = (max: number) =>
    keys.slice(0, max).map((key): [string, unknown] => [key, Reflect.get(value, key)]);
  return { count: keys.length, isList: false, first };
}

// The tree is built by functions, not components, so that the budget is spent in the order of the page.
function levelOf(tree: Tree, { id, members, depth }: { id: string; members: Members; depth: number }) {
  const items = [];
  let shown = 0;
  for (const [key, value] of members.first(tree.limits.members)) {
    if (tree.nodesLeft <= 0 || !tree.budget.spend(NODE_BYTES)) break;
    tree.nodesLeft -= 1;
    shown += 1;
    const nested = { id: `${id}-${shown}`, key, value, depth, isList: members.isList };
    items.push(<li key={shown}>{memberOf(tree, nested)}</li>);
  }
  const left = members.count - shown;
  return (
    <ul>
      {items}
      {left > 0 && (
        <li class="muted">
          {shown > 0 ? 'and ' : ''}
          {countOf(formatNumber(tree.reader, left), members.isList ? 'item' : 'field')}
          {shown > 0 ? ' more' : ', not shown here'}
        </li>
      )}
    </ul>
  );
}

interface Member {
  id: string;
  key: string;
  value: unknown;
  depth: number;
  isList: boolean;
}

function memberOf(tree: Tree, { id, key, value, depth, isList }: Member) {
  const name = tree.budget.take(key, MAX_KEY_CHARACTERS);
  const label = (
    <span class={isList ? 'key item' : 'key'} dir="auto">
      {name.text}
      {name.left > 0 && '…'}
    </span>
  );
  const members = membersOf(value);
  if (members === undefined || members.count === 0) {
    return (
      <>
        {label} {members === undefined ? scalar(tree, value) : empty(members)}
      </>
    );
  }
  const count = countOf(formatNumber(tree.reader, members.count), members.isList ? 'item' : 'field');
  if (depth >= tree.limits.depth) {
    return (
      <>
        {label} <span class="muted">{count}, nested too deep to be shown here</span>
      </>
    );
  }
  return (
    <details id={id} open={depth < OPEN_LEVELS}>
      <summary>
        {label} <span class="muted">{count}</span>
      </summary>
      {levelOf(tree, { id, members, depth: depth + 1 })}
    </details>
  );
}

function empty({ isList }: Members) {
  return <span class="muted">{isList ? 'empty list' : 'empty'}</span>;
}

function scalar({ budget, limits, reader }: Tree, value: unknown) {
  if (typeof value !== 'string') return <code>{value === undefined ? 'none' : String(value)}</code>;
  if (value === '') return <span class="muted">empty text</span>;
  const { text, left } = budget.take(value, limits.characters);
  return (
    <span class="text" dir="auto">
      {text}
      {left > 0 && <span class="muted">… {countOf(formatNumber(reader, left), 'character')} more</span>}
    </span>
  );
}
