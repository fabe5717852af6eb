import { styleText } from 'node:util';

export interface Narrator {
  /** A line of the story; nothing in JSON mode. */
  tell(text: string): void;
  /** A fact that was checked. A false one fails the demo at its end, not before: the rest is worth seeing. */
  check(fact: string, ok: boolean, seen?: unknown): void;
  /** Whether every fact so far held. */
  allTrue(): boolean;
}

export interface NarratorOptions {
  json: boolean;
  write: (line: string) => void;
}

/** Tells the demo's story with elapsed times: as prose, or as one JSON object a checked fact. */
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
