/** The value that stands for all that are beyond the limit. */
export const OTHER = 'other';

/**
 * Limits how many values a label takes in this process. The first values stay as they are; later ones become `other`.
 * Each value is a time series that the process and Prometheus keep in memory.
 */
export function createBoundedValues(limit: number): (value: string) => string {
  const values = new Set<string>();
  return (value) => {
    if (!values.has(value) && values.size >= limit) return OTHER;
    values.add(value);
    return value;
  };
}
