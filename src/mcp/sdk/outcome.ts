import type { Verdict } from '../http/classify-failure.ts';
import type { CallToolOutcome, ListToolsOutcome } from '../port.ts';
import type { GatheredTools } from './tool-list.ts';

/** A call's outcome: what counts is whether the tool may have run. */
export function callOutcome(outcome: CallToolOutcome | Verdict): CallToolOutcome {
  switch (outcome.kind) {
    case 'unanswered':
      return { kind: outcome.sent ? 'lost' : 'not-sent', cause: outcome.cause };
    case 'declined':
      return { ...outcome, kind: 'not-sent' };
    // In a session made just now: the server forgets them as they are made. It did not act on the call.
    case 'session-lost':
      return { kind: 'not-sent', cause: 'unavailable' };
    default:
      return outcome;
  }
}

/** A list's outcome: reading is safe to repeat, whatever was sent. */
export function listOutcome(outcome: GatheredTools): ListToolsOutcome {
  switch (outcome.kind) {
    case 'listed':
      return { kind: 'listed', tools: outcome.tools };
    case 'unanswered':
      return { kind: 'unavailable', cause: outcome.cause };
    case 'declined':
      return { ...outcome, kind: 'unavailable' };
    case 'session-lost':
      return { kind: 'unavailable', cause: 'unavailable' };
    default:
      return outcome;
  }
}
