import type { ProgressNote } from '../contracts/activities.ts';
import type { ToolCall } from '../mcp/port.ts';

export interface HeardProgress {
  onProgress: NonNullable<ToolCall['onProgress']>;
  /** What the step's timeline is told when the call is over. */
  notes: ProgressNote[];
  /** The latest one, for heartbeats: it shows in Temporal while the call runs. */
  latest(): ProgressNote | undefined;
}

const KEPT = 20;
const MESSAGE_CHARACTERS = 500;

/** Keeps the first and the latest notes of a long call; a chatty server does not fill the history. */
export function collectProgress(): HeardProgress {
  const notes: ProgressNote[] = [];
  return {
    notes,
    latest: () => notes.at(-1),
    onProgress({ progress, total, message }) {
      if (notes.length === KEPT) notes.splice(1, 1);
      notes.push({
        at: new Date().toISOString(),
        progress,
        ...(total !== undefined && { total }),
        ...(message !== undefined && { message: message.slice(0, MESSAGE_CHARACTERS) }),
      });
    },
  };
}
