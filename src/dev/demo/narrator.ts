import { styleText } from 'node:util';

export interface Narrator {
  /** Prints a line of the story. Prints nothing in JSON mode. */
  tell(text: string): void;
  /**
   * Prints a checked fact. A false fact fails the demo only at the end, so that the remaining facts are printed, too.
   */
  check(fact: string, ok: boolean, seen?: unknown): void;
  /** Returns whether all facts so far were true. */
  allTrue(): boolean;
}

export interface NarratorOptions {
  json: boolean;
  write: (line: string) => void;
}

/** Prints the demo's story with elapsed times: as text, or as one JSON object per checked fact. */
export function createNarrator({ json, write }: NarratorOptions): Narrator {
  const start = performance.now();
  let allTrue = true;
  const elapsed = () => `${((performance.now() - start) / 1000).toFixed(2).padStart(6)} s`;
  return {
    tell(text) {
      if (!json) write(`${styleText('dim', elapsed())}  ${text}`);
    },
    check(fact, ok, seen) {
      allTrue &&= ok;
      const surprise = ok || seen === undefined ? {} : { seen };
      if (json) return write(JSON.stringify({ at: new Date().toISOString(), fact, ok, ...surprise }));
      const mark = ok ? styleText('green', '✓') : styleText('red', '✗');
      write(`${styleText('dim', elapsed())}  ${mark} ${fact}`);
      if (!ok) write(`          seen instead: ${JSON.stringify(seen)}`);
    },
    allTrue: () => allTrue,
  };
}
