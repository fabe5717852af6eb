import type { ProgressNote } from '../contracts/activities.ts';
import type { ToolCall } from '../mcp/port.ts';

export interface CollectedProgress {
  onProgress: NonNullable<ToolCall['onProgress']>;
  /** Added to the step's timeline when the call is over. */
  notes: ProgressNote[];
  /** The latest note, for heartbeats: Temporal shows it while the call runs. */
  latest(): ProgressNote | undefined;
}

const MAX_NOTES = 20;
const MAX_MESSAGE_CHARACTERS = 500;

/** Collects the first note and the latest ones of a long call, so that many of them don't fill the history. */
export function collectProgress(): CollectedProgress {
  const notes: ProgressNote[] = [];
  return {
    notes,
    latest: () => notes.at(-1),
    onProgress({ progress, total, message }) {
      if (notes.length === MAX_NOTES) notes.splice(1, 1);
      notes.push({
        at: new Date().toISOString(),
        progress,
        ...(total !== undefined && { total }),
        ...(message !== undefined && { message: message.slice(0, MAX_MESSAGE_CHARACTERS) }),
      });
    },
  };
}
