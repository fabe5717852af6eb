import type { Db } from '../../db/pool.ts';
import type { SealedValues } from './sealed-values.ts';

/** A sealed text and its row. */
export interface StoredValue {
  /** The row's primary key. */
  key: string[];
  jwe: string;
  /** The values that the text is bound to, as `SealedValues.binding` expects them. */
  boundTo: string[];
}

/** A text and the text that replaces it. */
export interface Replacement {
  key: string[];
  before: string;
  after: string;
}

/** The key id that the database stores for a text that is not a JWE of the vault. */
export const NO_KID = '?';

/** Limits of a page. The first row is read even if it exceeds the limit of bytes. */
export interface PageLimits {
  rows: number;
  bytes: number;
}

/** Lists the ids of the keys that values are sealed under. Reads one index entry per id, not all rows. */
export async function listKids(db: Db, { table, kidColumn }: SealedValues): Promise<string[]> {
  const { rows } = await db.query<{ kid: string }>(
    `WITH RECURSIVE kids AS (
       (SELECT ${kidColumn} AS kid FROM ${table} WHERE ${kidColumn} IS NOT NULL ORDER BY 1 LIMIT 1)
       UNION ALL
       SELECT (SELECT ${kidColumn} FROM ${table} WHERE ${kidColumn} > kids.kid ORDER BY 1 LIMIT 1)
         FROM kids WHERE kids.kid IS NOT NULL)
     SELECT kid FROM kids WHERE kid IS NOT NULL`,
  );
  return rows.map((row) => row.kid);
}

/** Counts the values under one key. */
export async function countUnder(db: Db, { table, kidColumn }: SealedValues, kid: string): Promise<number> {
  const { rows } = await db.query<{ count: string }>(
    `SELECT count(*) FROM ${table} WHERE ${kidColumn} = $1`,
    [kid],
  );
  return Number(rows[0]?.count ?? 0);
}

/** Reads a page of the values under one key, in the order of the primary key, starting after `after`. */
export async function listUnder(
  db: Db,
  { table, column, kidColumn, key, keyType, boundTo }: SealedValues,
  { kid, after, limits }: { kid: string; after: string[] | undefined; limits: PageLimits },
): Promise<StoredValue[]> {
  const keys = key.join(', ');
  const start = key.map((_, index) => `$${index + 4}::${keyType}`).join(', ');
  // Postgres returns the length of a large text without reading the text.
  const { rows } = await db.query<{ key: string[]; bound_to: string[]; jwe: string }>(
    `SELECT key, bound_to, jwe FROM (
       SELECT ARRAY[${key.map((name) => `${name}::text`).join(', ')}] AS key, ${boundTo} AS bound_to,
              ${column} AS jwe, row_number() OVER page AS number,
              sum(octet_length(${column})) OVER page AS bytes
         FROM (SELECT * FROM ${table}
                WHERE ${kidColumn} = $1 ${after === undefined ? '' : `AND (${keys}) > (${start})`}
                ORDER BY ${keys} LIMIT $2) AS rows
       WINDOW page AS (ORDER BY ${keys})) AS page
      WHERE number = 1 OR bytes <= $3
      ORDER BY number`,
    [kid, limits.rows, limits.bytes, ...(after ?? [])],
  );
  return rows.map((row) => ({ key: row.key, boundTo: row.bound_to, jwe: row.jwe }));
}

/**
 * Replaces each text that has not changed, and returns their number. Skips rows that are locked, so that it neither
 * delays a refresh nor deadlocks with another rotation.
 */
export async function replaceValues(
  db: Db,
  { table, column, key, keyType }: SealedValues,
  replacements: readonly Replacement[],
): Promise<number> {
  const names = key.map((_, index) => `key_${index}`);
  const parameters = key.map((_, index) => `$${index + 3}::text[]`).join(', ');
  const isRow = (other: string) =>
    key.map((name, index) => `t.${name} = ${other}.key_${index}::${keyType}`).join(' AND ');
  const { rowCount } = await db.query(
    `WITH resealed AS (
       SELECT * FROM unnest($1::text[], $2::text[], ${parameters}) AS r(before, after, ${names.join(', ')})),
     free AS (
       SELECT r.* FROM ${table} t JOIN resealed r ON ${isRow('r')}
        WHERE t.${column} = r.before FOR UPDATE OF t SKIP LOCKED)
     UPDATE ${table} t SET ${column} = free.after FROM free WHERE ${isRow('free')} AND t.${column} = free.before`,
    [
      replacements.map(({ before }) => before),
      replacements.map(({ after }) => after),
      ...key.map((_, index) => replacements.map((one) => one.key[index])),
    ],
  );
  return rowCount ?? 0;
}
