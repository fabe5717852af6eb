/** Cursors of lists that are read from Postgres. They hold the last key of a page, sealed for this list alone. */
import { type CursorKeys, openCursor, sealCursor } from '../steps/list-cursor.ts';

export interface ListCursors<Key> {
  /** @throws InvalidCursor */
  open(cursor: string | undefined): Key | undefined;
  seal(last: Key): string;
}

/**
 * @param list the name of the list and its filters: a cursor of another list is refused
 */
export function listCursors<Key>(keys: CursorKeys, list: readonly unknown[]): ListCursors<Key> {
  const name = JSON.stringify(list);
  return {
    open(cursor) {
      if (cursor === undefined) return undefined;
      // The cast is safe: the text was sealed below, for this list.
      return JSON.parse(Buffer.from(openCursor(keys, name, cursor)).toString()) as Key;
    },
    seal: (last) => sealCursor(keys, name, Buffer.from(JSON.stringify(last))),
  };
}

export interface PageOf<Item> {
  items: Item[];
  nextCursor?: string;
}

/**
 * Cuts a page off rows of which one more was read than the page has.
 */
export function cutPage<Item, Key>(
  rows: readonly Item[],
  limit: number,
  { cursors, keyOf }: { cursors: ListCursors<Key>; keyOf: (item: Item) => Key },
): PageOf<Item> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return rows.length > limit && last !== undefined
    ? { items, nextCursor: cursors.seal(keyOf(last)) }
    : { items };
}

/**
 * Cuts a page out of a whole list, which is short. Without a limit and a cursor, it is the list as it is. Pages are in
 * the order of the keys' UTF-16, which no collation of a database changes.
 *
 * @throws InvalidCursor
 */
export function pageOfWhole<Item>(
  all: readonly Item[],
  { limit, cursor }: { limit?: number | undefined; cursor?: string | undefined },
  { cursors, keyOf }: { cursors: ListCursors<string>; keyOf: (item: Item) => string },
): PageOf<Item> {
  if (limit === undefined && cursor === undefined) return { items: [...all] };
  const after = cursors.open(cursor);
  const sorted = [...all].sort((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
  // The last item of the page before may be gone.
  const rest = after === undefined ? sorted : sorted.filter((item) => keyOf(item) > after);
  return cutPage(rest, limit ?? rest.length, { cursors, keyOf });
}
