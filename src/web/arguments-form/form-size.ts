import { escapedBytes } from '../step/byte-budget.ts';
import type { FormField } from './form-field.ts';

/** The bytes of a page that a whole form may take up: schemas may name the same long choices for every field. */
const MAX_BYTES = 160_000;
const FIELD_MARKUP = 400;
const CHOICE_MARKUP = 40;

/** Whether the fields fit a page, whatever an untrusted server named in its schema. Stops at the limit. */
export function fitsPage(fields: readonly FormField[]): boolean {
  let left = MAX_BYTES;
  for (const field of fields) {
    left -= FIELD_MARKUP + bytesOf(field.property, field.label, field.hint, String(field.default ?? ''));
    if (field.input.kind !== 'choice') continue;
    for (const { value, label } of field.input.choices) {
      left -= CHOICE_MARKUP + bytesOf(JSON.stringify(value), label);
      if (left < 0) return false;
    }
  }
  return left >= 0;
}

function bytesOf(...texts: string[]): number {
  return texts.reduce((sum, text) => sum + escapedBytes(text), 0);
}
