const MAX_NAME_CHARACTERS = 128;
const MAX_CHARACTERS = 512;

/** Such as `arguments.lines.0.id`. Names that others made up are cut: a message is no place for a megabyte of them. */
export function dottedPath(path: readonly PropertyKey[]): string {
  const names = path.map((name) => String(name).slice(0, MAX_NAME_CHARACTERS));
  return names.join('.').slice(0, MAX_CHARACTERS);
}
