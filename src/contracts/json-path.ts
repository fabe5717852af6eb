/** Keys and indexes from the root of a JSON value down to a part of it. */
export type JsonPath = readonly (string | number)[];

const MAX_NAME_CHARACTERS = 128;
const MAX_CHARACTERS = 512;

/** Writes a path such as `arguments.lines.0.id`. Long names are cut: a client may have sent a name of a megabyte. */
export function dottedPath(path: readonly PropertyKey[]): string {
  const names = path.map((name) => String(name).slice(0, MAX_NAME_CHARACTERS));
  return names.join('.').slice(0, MAX_CHARACTERS);
}
