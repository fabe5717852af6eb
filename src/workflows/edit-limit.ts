/** Edits of one step that its tool's schema may refuse one person in a minute, and all people together. */
const ONE_PERSON = 30;
const ALL = 120;
const MINUTE_MS = 60_000;

interface RefusedEdit {
  by: string;
  at: number;
}

/**
 * Counts edits that were refused. Each is an update in history, of which the server takes 2,000 a run, and a call of
 * an activity; beyond the limit a validator refuses them, which costs neither.
 */
export class EditLimit {
  #refused: RefusedEdit[] = [];

  noteRefused(by: string, now = Date.now()): void {
    this.#refused = [...this.#recent(now), { by, at: now }];
  }

  /** For how many milliseconds no edit is taken; undefined where one is. */
  retryAfterMs(by: string, now = Date.now()): number | undefined {
    const all = this.#recent(now);
    const own = all.filter((refused) => refused.by === by);
    const first = (own.length >= ONE_PERSON && own[0]) || (all.length >= ALL && all[0]);
    return first ? first.at + MINUTE_MS - now : undefined;
  }

  #recent(now: number): RefusedEdit[] {
    return this.#refused.filter(({ at }) => at > now - MINUTE_MS);
  }
}
