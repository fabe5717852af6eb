import type { StepView, TimelineEntry } from '../../contracts/step.ts';
import type { PageFrame } from '../page.tsx';
import { Notice } from '../parts/notice.tsx';
import { Ago } from '../parts/time.tsx';
import { lastDecision, textIn, timeOf } from './timeline-entry.ts';
import { decider } from './timeline-words.tsx';

interface LateProps {
  frame: PageFrame;
  step: StepView;
}

/** Says what happened instead, after a decision that the step did not wait for any more. */
export function LateDecision({ frame, step }: LateProps) {
  const decision = lastDecision(sinceLastQuestion(step));
  if (decision !== undefined) return <Decided frame={frame} decision={decision} />;
  const words = endWords(step);
  if (words !== undefined) return <Notice>{words} Your decision came too late and changes nothing.</Notice>;
  return step.status === 'awaiting-input' ? null : (
    <Notice>The step went on meanwhile, so your decision was not needed.</Notice>
  );
}

/** Says what happened instead, after a step was to be cancelled that had ended. */
export function LateCancellation({ frame, step }: LateProps) {
  const decision = lastDecision(sinceLastQuestion(step));
  if (decision !== undefined && endsStep(decision)) return <Decided frame={frame} decision={decision} />;
  const words = endWords(step);
  return words === undefined ? null : <Notice>{words} There was nothing left to cancel.</Notice>;
}

function Decided({ frame, decision }: { frame: PageFrame; decision: TimelineEntry }) {
  return (
    <Notice>
      {verbOf(decision)}
      {decider({ entry: decision, userId: frame.user?.userId ?? '' })}{' '}
      {!Number.isNaN(timeOf(decision)) && <Ago reader={frame.reader} at={decision.at} />}. A later decision
      changes nothing.
    </Notice>
  );
}

/** The entries since the step last asked for a decision that it does not wait for now. */
function sinceLastQuestion({ status, timeline }: StepView): readonly TimelineEntry[] {
  const isQuestion = ({ event, reason }: TimelineEntry) =>
    event === 'awaiting-input' && (reason === 'needs-approval' || reason === 'outcome-unknown');
  const current =
    status === 'awaiting-input' ? timeline.findLastIndex(({ event }) => event === 'awaiting-input') : -1;
  const asked = timeline.findLastIndex((entry, index) => index !== current && isQuestion(entry));
  return timeline.slice(asked + 1);
}

function endsStep(decision: TimelineEntry): boolean {
  if (decision.event === 'resolved') return textIn(decision, 'action') !== 'retry';
  return decision.event !== 'approved';
}

/** How the step ended. Undefined: it is open. */
function endWords({ status, error }: StepView): string | undefined {
  switch (status) {
    case 'success':
      return 'The step had already succeeded.';
    case 'error':
      return error?.code === 'approval-timed-out' || error?.code === 'outcome-unknown'
        ? 'The time to decide had run out, so the step had already ended.'
        : 'The step had already failed.';
    case 'skipped':
      return 'The step had already been rejected.';
    case 'cancelled':
      return 'The step had already been cancelled.';
    case 'running':
    case 'awaiting-input':
      return undefined;
    default:
      return status satisfies never;
  }
}

const RESOLUTIONS: Readonly<Record<string, string>> = {
  retry: 'It was decided to call again',
  succeed: 'It was decided that it succeeded',
  fail: 'It was decided that it failed',
};

function verbOf(decision: TimelineEntry): string {
  switch (decision.event) {
    case 'approved':
      return 'This was approved';
    case 'rejected':
      return 'This was rejected';
    case 'resolved':
      return RESOLUTIONS[textIn(decision, 'action') ?? ''] ?? 'This was decided';
    default:
      return 'This was cancelled';
  }
}
