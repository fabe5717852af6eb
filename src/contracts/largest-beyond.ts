/**
 * Returns the items to leave out so that the others have at most `limit` together: the largest ones, so that a large item
 * costs no smaller one. Items of size 0 stay.
 */
export function largestBeyond<Item>(
  items: readonly Item[],
  limit: number,
  sizeOf: (item: Item) => number,
): Set<Item> {
  const beyond = new Set<Item>();
  let left = limit;
  for (const item of items.toSorted((one, other) => sizeOf(one) - sizeOf(other))) {
    const size = sizeOf(item);
    left -= size;
    if (left < 0 && size > 0) beyond.add(item);
  }
  return beyond;
}
