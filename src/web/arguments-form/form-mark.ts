import { createHash } from 'node:crypto';
import { fieldsOf } from './fields-of.ts';
import type { ArgumentsView } from './form-field.ts';

/** The hidden input that holds the mark. */
export const MARK_INPUT = 'mark';

export interface MarkedForm {
  view: ArgumentsView;
  /** The tool's input schema. */
  schema: unknown;
  /** What the form was made from. Undefined: it began empty. */
  original?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * Returns a text that changes when the form asks something else: about other arguments, or with other fields. A form
 * whose mark is an old one is not read, because its inputs may mean other values now. The JSON view has no fields, so
 * there the schema does not count.
 */
export function formMark({ view, schema, original }: MarkedForm): string {
  const form = view === 'form' ? fieldsOf(schema) : { kind: 'json' as const };
  const fields = form.kind === 'fields' ? form.fields.toSorted(byProperty) : [];
  return createHash('sha256')
    .update(JSON.stringify([view, form.kind, fields, original ?? {}]))
    .digest('base64url');
}

// Some servers list the same properties in another order each time.
function byProperty(
  { property: one }: { property: string },
  { property: other }: { property: string },
): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
