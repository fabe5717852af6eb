/** Whether a record has every value that the filter names; what the filter leaves undefined is not compared. */
export function matchesFilter<Key extends string>(
  record: Readonly<Partial<Record<Key, unknown>>>,
  filter: Readonly<Partial<Record<Key, unknown>>>,
): boolean {
  // Object.keys types its result as string[]; a filter has no keys but these.
  const keys = Object.keys(filter) as Key[];
  return keys.every((key) => filter[key] === undefined || record[key] === filter[key]);
}
