/** What alternating runs of one measurement came to. */
export interface Spread {
  median: number;
  min: number;
  max: number;
}

/** @throws if there are no values */
export function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/**
 * The middle value, or the mean of the two middle ones.
 *
 * @throws if there are no values
 */
export function median(values: readonly number[]): number {
  const sorted = ascending(values);
  const middle = (sorted.length - 1) / 2;
  return (at(sorted, Math.floor(middle)) + at(sorted, Math.ceil(middle))) / 2;
}

/**
 * The smallest value that at least `percent` of the values don't exceed (nearest rank).
 *
 * @throws if there are no values
 */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = ascending(values);
  return at(sorted, Math.max(Math.ceil((percent / 100) * sorted.length), 1) - 1);
}

export function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

function ascending(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}

function at(sorted: readonly number[], index: number): number {
  const value = sorted[index];
  if (value === undefined) throw new Error('a statistic of no values');
  return value;
}
