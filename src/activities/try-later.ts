/** Not now, and nobody is at fault: a lease is held elsewhere, or an authorization server is down. */
export class TryLater extends Error {
  /** Milliseconds until the next attempt. */
  readonly afterMs: number;

  constructor(reason: string, afterMs: number) {
    super(reason);
    this.name = 'TryLater';
    this.afterMs = afterMs;
  }
}
