import { createHash } from 'node:crypto';
import type { ArgumentsForm, ArgumentsView } from './form-field.ts';

/** The hidden input that holds the mark. */
export const MARK_INPUT = 'mark';

export interface MarkedForm {
  view: ArgumentsView;
  /** From the tool's input schema: fields-of.ts. */
  form: ArgumentsForm;
  /** What the form was made from. Undefined: it began empty. */
  original?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * Returns a text that changes when the form asks something else: about other arguments, or with other fields. A form
 * whose mark is an old one is not read, because its inputs may mean other values now. The JSON view has no fields, so
 * there the tool's schema does not count.
 */
export function formMark({ view, form, original }: MarkedForm): string {
  const shown: ArgumentsForm = view === 'form' ? form : { kind: 'json' };
  const fields = shown.kind === 'fields' ? shown.fields.toSorted(byProperty) : [];
  return createHash('sha256')
    .update(JSON.stringify([view, shown.kind, fields, original ?? {}]))
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
