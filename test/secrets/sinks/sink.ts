/** One text or value that somebody other than its owner may come to read. */
export interface Evidence {
  /** The sink's name, and where in it. */
  where: string;
  content: string | Uint8Array;
}

/** A place that must never hold a secret. */
export interface Sink {
  name: string;
  /** Everything that stands in it by now. */
  collect(): Promise<Evidence[]>;
  /** By a pattern of what `where` begins with: what leaves texts there by the way that everything takes. */
  plants: Readonly<Record<string, (texts: readonly string[]) => Promise<void>>>;
}
