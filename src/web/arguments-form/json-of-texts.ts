import { type FormValues, JSON_INPUT } from './form-field.ts';

/**
 * Returns the texts of a form as one JSON text, for a person to go on with where the form has no fields any more. The
 * texts stay texts, because what they were is not known.
 */
export function jsonOfTexts(values: FormValues): FormValues {
  if (values[JSON_INPUT] !== undefined) return { [JSON_INPUT]: values[JSON_INPUT] };
  const texts = Object.entries(values).flatMap(([name, text]) => {
    const property = propertyIn(name);
    return property === undefined || text === '' ? [] : [[property, text] as const];
  });
  return { [JSON_INPUT]: JSON.stringify(Object.fromEntries(texts), null, 2) };
}

function propertyIn(name: string): string | undefined {
  const [, encoded] = /^(?:arg|json)\.(.*)$/s.exec(name) ?? [];
  try {
    return encoded === undefined ? undefined : decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
}
