import { isWithin } from '../../contracts/json-size.ts';
import type { Reader } from '../reader.ts';
import { createByteBudget } from './byte-budget.ts';
import { JsonTree } from './json-tree.tsx';

/** The bytes of a page that the tree of arguments may take up. */
const ARGUMENTS_BYTES = 20_000;
/** Longer arguments are shown as a tree only. */
const MAX_JSON_CHARACTERS = 10_000;

interface ArgumentsProps {
  reader: Reader;
  /** Undefined: they can't be read now. */
  value: Record<string, unknown> | undefined;
}

/** What the tool is called with, as a tree and as JSON. */
export function Arguments({ reader, value }: ArgumentsProps) {
  return (
    <section id="arguments-shown">
      <h2>Arguments</h2>
      {value === undefined ? (
        <p class="muted">The arguments can’t be read at the moment.</p>
      ) : (
        <ArgumentsTree reader={reader} value={value} />
      )}
    </section>
  );
}

export function ArgumentsTree({ reader, value }: { reader: Reader; value: Record<string, unknown> }) {
  const isEmpty = Object.keys(value).length === 0;
  return (
    <div class="card">
      <JsonTree
        reader={reader}
        budget={createByteBudget(ARGUMENTS_BYTES)}
        id="arguments-data"
        value={value}
      />
      {!isEmpty && <RawJson value={value} />}
    </div>
  );
}

function RawJson({ value }: { value: Record<string, unknown> }) {
  const json = smallJson(value);
  if (json === undefined) return null;
  return (
    <details id="arguments-json">
      <summary class="muted">As JSON</summary>
      <pre dir="ltr">{json}</pre>
    </details>
  );
}

/** Undefined for arguments that take too much of a page. The tree says what it leaves out of them. */
function smallJson(value: Record<string, unknown>): string | undefined {
  if (!isWithin(value, MAX_JSON_CHARACTERS)) return undefined;
  const json = JSON.stringify(value, null, 2);
  return json.length <= MAX_JSON_CHARACTERS ? json : undefined;
}
