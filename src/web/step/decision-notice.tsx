import type { StepView } from '../../contracts/step.ts';
import type { PageFrame } from '../page.tsx';
import { Notice } from '../parts/notice.tsx';
import { LateCancellation, LateDecision } from './late.tsx';

/** What the page says after a form of it was sent. The address holds it, so anyone can make it up. */
export const DECISION_NOTICES = {
  approved: 'approved',
  rejected: 'rejected',
  resolved: 'resolved',
  cancelling: 'cancelling',
  /** The step did not wait for the decision any more. */
  late: 'late',
  /** No worker answered in time. */
  unanswered: 'unanswered',
} as const;

interface DecisionNoticeProps {
  frame: PageFrame;
  step: StepView;
  said: string | undefined;
}

/** Shows the notice only where the step's own state agrees with it. */
export function DecisionNotice({ frame, step, said }: DecisionNoticeProps) {
  const hasEvent = (event: string) => step.timeline.some((entry) => entry.event === event);
  switch (said) {
    case DECISION_NOTICES.approved:
      return hasEvent('approved') && step.status === 'running' ? (
        <Notice kind="success">Approved. The step goes on.</Notice>
      ) : null;
    case DECISION_NOTICES.rejected:
      return hasEvent('rejected') ? <Notice>Rejected. The tool was not called.</Notice> : null;
    case DECISION_NOTICES.resolved:
      return hasEvent('resolved') ? <Notice kind="success">Your decision was taken.</Notice> : null;
    case DECISION_NOTICES.cancelling:
      return step.status === 'cancelled' || hasEvent('cancelling') ? (
        <Notice>The step was told to stop.</Notice>
      ) : (
        <LateCancellation frame={frame} step={step} />
      );
    case DECISION_NOTICES.late:
      return <LateDecision frame={frame} step={step} />;
    case DECISION_NOTICES.unanswered:
      return step.status === 'awaiting-input' ? (
        <Notice kind="warning">Your decision has not been confirmed yet. It may still be applied.</Notice>
      ) : null;
    default:
      return null;
  }
}
