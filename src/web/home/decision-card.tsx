import type { StepSummary } from '../../steps/step-summary.ts';
import { Since } from '../parts/time.tsx';
import { stepPath } from '../paths.ts';
import { shortText } from '../short-text.ts';
import { Card, type CardFrame } from './card.tsx';
import { AccountName, elementId, type NameOfServer, StepName } from './names.tsx';
import type { DecisionNeed } from './needs.ts';

/** A step that waits for its user's decision. */
export function DecisionCard({ need, frame, nameOfServer }: CardFrame & { need: DecisionNeed }) {
  const { kind, step } = need;
  const tool = <ToolAtServer step={step} nameOfServer={nameOfServer} />;
  const since = <Since reader={frame.reader} at={step.updatedAt} />;
  return (
    <Card
      id={elementId('need', step.workflowId)}
      title={<StepName step={step} />}
      button={kind === 'approve' ? 'Review' : 'Decide'}
      href={stepPath(frame.base, step.stepId)}
    >
      {kind === 'approve' ? (
        <>
          Asks before it calls {tool}. It has been waiting for your approval for {since}.
        </>
      ) : (
        <>
          The call of {tool} was sent, and no answer came. It may have happened or not. It has been waiting
          for your decision for {since}.
        </>
      )}
    </Card>
  );
}

function ToolAtServer({ step, nameOfServer }: { step: StepSummary; nameOfServer: NameOfServer }) {
  return (
    <>
      <code>{shortText(step.tool, 60)}</code> at <bdi>{nameOfServer(step.mcpServerId)}</bdi>
      <AccountName account={step.account} />
    </>
  );
}
