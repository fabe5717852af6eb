/** What JSON may hold. */
export interface JsonLimits {
  /** Levels of objects and lists within each other. */
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

/** JSON beyond a limit: `nesting` is its form, the others are its size. */
export class JsonOverLimit extends Error {
  readonly limit: keyof JsonLimits;

  constructor(limit: keyof JsonLimits) {
    super(`the JSON is over the limit of ${limit}`);
    this.name = 'JsonOverLimit';
    this.limit = limit;
  }
}
