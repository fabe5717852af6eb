/** Limits on JSON from servers and clients. */
export interface JsonLimits {
  /** Levels of nested objects and lists. */
  nesting: number;
  /** Values and keys together. */
  values: number;
  /** Members of one object. */
  members: number;
  /** Characters of one key. */
  keyLength: number;
  /** Characters of one number. */
  numberLength: number;
}

/** The JSON exceeds a limit. */
export class JsonOverLimit extends Error {
  readonly limit: keyof JsonLimits;

  constructor(limit: keyof JsonLimits) {
    super(`the JSON is over the limit of ${limit}`);
    this.name = 'JsonOverLimit';
    this.limit = limit;
  }
}
