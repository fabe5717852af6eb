import type { RefusedEdit, StepProgress } from './step-progress.ts';

/** Edits of one step that may be refused to one person in a minute, and to all people together. */
const ONE_PERSON = 30;
const ALL = 120;
const MINUTE_MS = 60_000;

/**
 * Counts an edit that was refused. Each is an update in history, of which the server takes 2,000 a run, and a call of
 * an activity; beyond the limit a validator refuses them, which costs neither.
 */
export function noteRefusedEdit(progress: StepProgress, by: string): void {
  progress.refusedEdits = [...recent(progress), { by, at: Date.now() }];
}

/** For how many milliseconds no edit is taken; undefined where one is. */
export function editRetryAfterMs(progress: StepProgress, by: string): number | undefined {
  const all = recent(progress);
  const own = all.filter((refused) => refused.by === by);
  const first = (own.length >= ONE_PERSON && own[0]) || (all.length >= ALL && all[0]);
  return first ? first.at + MINUTE_MS - Date.now() : undefined;
}

function recent({ refusedEdits = [] }: StepProgress): RefusedEdit[] {
  return refusedEdits.filter(({ at }) => at > Date.now() - MINUTE_MS);
}
