/** What happened to a connection. */
export type Outcome = 'stored' | 'unchanged' | 'already-connected' | 'disconnected' | 'failed';

export interface Counts {
  stored: number;
  /** Everything was stored already. Only with `--replace`. */
  unchanged: number;
  alreadyConnected: number;
  /** Was disconnected, or its user forgotten. */
  disconnected: number;
  failed: number;
}

/** Where an import is. Lines begin in order and end in any order. */
export interface Progress {
  begin(line: number): void;
  end(line: number, outcome: Outcome): void;
  readonly counts: Counts;
  /** The first line whose outcome is not known: all lines before it are done or have failed. */
  resumeFrom(): number;
}

/** @param first the line that the import begins with */
export function createProgress(first: number): Progress {
  const counts: Counts = { stored: 0, unchanged: 0, alreadyConnected: 0, disconnected: 0, failed: 0 };
  const underWay = new Set<number>();
  let next = first;
  return {
    counts,
    begin(line) {
      underWay.add(line);
      next = line + 1;
    },
    end(line, outcome) {
      underWay.delete(line);
      counts[outcome === 'already-connected' ? 'alreadyConnected' : outcome] += 1;
    },
    // There are no more of them than requests at once.
    resumeFrom: () => Math.min(next, ...underWay),
  };
}
