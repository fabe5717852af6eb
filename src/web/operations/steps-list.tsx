import { AWAITING_INPUT_REASONS, STEP_ERROR_CODES, STEP_STATUSES } from '../../contracts/step.ts';
import type { ListedStep } from '../../steps/list-all-steps.ts';
import { AccountName, elementId } from '../home/names.tsx';
import type { PageFrame } from '../page.tsx';
import { Time } from '../parts/time.tsx';
import type { OperationsFilter } from '../paths.ts';
import { shortText } from '../short-text.ts';
import { FilterChoice, FilterDay, FilterText } from './fields.tsx';
import type { OperationsContent } from './operations-page.tsx';
import { STATUS_OF_ANYONE } from './status-words.ts';

const REASONS = [...new Set<string>([...AWAITING_INPUT_REASONS, ...STEP_ERROR_CODES])];
const MAX_NAME = 60;

/** The steps of all users, without what they are called with and what they answered. */
export function stepsOfAll(
  frame: PageFrame,
  filter: OperationsFilter,
  steps: readonly ListedStep[],
): OperationsContent {
  return {
    fields: <StepFields filter={filter} />,
    rows: steps.map((step) => <StepRow key={step.workflowId} frame={frame} step={step} />),
  };
}

function StepFields({ filter }: { filter: OperationsFilter }) {
  return (
    <>
      <FilterText name="userId" label="User" filter={filter} />
      <FilterText name="mcpServerId" label="Server" filter={filter} />
      <FilterChoice
        name="status"
        label="Status"
        filter={filter}
        choices={STEP_STATUSES.map((status) => [status, STATUS_OF_ANYONE[status]])}
      />
      <FilterChoice
        name="reason"
        label="Reason"
        filter={filter}
        choices={REASONS.map((reason) => [reason, reason])}
      />
      <FilterDay name="since" label="Started since" filter={filter} />
    </>
  );
}

function StepRow({ frame: { reader }, step }: { frame: PageFrame; step: ListedStep }) {
  return (
    <li id={elementId('step', step.workflowId)} data-step-id={step.stepId}>
      <div class="grow">
        <code dir="auto">{shortText(step.tool === '' ? 'tools' : step.tool, MAX_NAME)}</code> at{' '}
        <bdi>{shortText(step.mcpServerId, MAX_NAME)}</bdi>
        <AccountName account={step.account} />
        <span class="meta">
          for <bdi>{shortText(step.userId, MAX_NAME)}</bdi> · <code dir="auto">{step.stepId}</code> · started{' '}
          <Time reader={reader} at={step.createdAt} />
        </span>
      </div>
      <Reason step={step} />
      <span class="status" data-status={step.status}>
        {STATUS_OF_ANYONE[step.status]}
      </span>
    </li>
  );
}

function Reason({ step }: { step: ListedStep }) {
  const reason = step.error?.code ?? step.awaitingInputReason;
  return reason === undefined ? null : <code class="meta">{reason}</code>;
}
