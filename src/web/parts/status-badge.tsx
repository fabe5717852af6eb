import type { AwaitingInputReason, StepStatus } from '../../contracts/step.ts';
import { REASON_WORDS, STATUS_WORDS } from '../step-words.ts';

/** The status of a step that was told to stop, until it has. */
export function CancellingBadge() {
  return (
    <span class="status" data-status="running" data-state="cancelling">
      Cancelling
    </span>
  );
}

/** The status of a paused step that no longer waits for a person, and has not been told so yet. */
export function AboutToGoOnBadge() {
  return (
    <span class="status" data-status="awaiting-input" data-state="about-to-go-on">
      About to go on
    </span>
  );
}

/** A step's status in words and colour. A paused step says what it waits for. */
export function StatusBadge({
  status,
  reason,
}: {
  status: StepStatus;
  reason?: AwaitingInputReason | undefined;
}) {
  return (
    <span class="status" data-status={status}>
      {reason === undefined ? STATUS_WORDS[status] : REASON_WORDS[reason]}
    </span>
  );
}
