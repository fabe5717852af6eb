import { type AwaitingInputReason, hasEnded, type StepStatus } from '../../contracts/step.ts';
import { AboutToGoOnBadge, StatusBadge } from '../parts/status-badge.tsx';
import { homePath, stepPath } from '../paths.ts';

/** A step that goes on. */
export interface ListedStep {
  stepId: string;
  /** Temporal did not tell in time. */
  isUnread?: true;
  /** Its title, or its tool; undefined: it is not read, or Temporal does not keep it any more. */
  name?: string;
  /** Undefined: as above. */
  status?: StepStatus;
  reason?: AwaitingInputReason | undefined;
}

export interface ResumedSteps {
  base: string;
  steps: readonly ListedStep[];
  /** Of all that go on: the list has the first of them. */
  count: number;
  /** The reader is signed in as the steps' user. */
  isOfReader: boolean;
  /** The page's own address. */
  address: string;
  /** The page's script fetches the page again. */
  isKeptCurrent: boolean;
}

/** The steps that go on after a consent, and how many of them have finished. */
export function ResumedSteps({ base, steps, count, isOfReader, address, isKeptCurrent }: ResumedSteps) {
  if (count === 0) return <p>No step was waiting for this connection.</p>;
  const more = count - steps.length;
  const isUnread = steps.every((step) => step.isUnread === true);
  return (
    <section aria-labelledby="steps">
      <div class="head">
        <h2 id="steps">{count === 1 ? 'This step goes on' : 'These steps go on'}</h2>
        {!isUnread && (
          <span class="muted" id="progress" data-announce>
            {progressOf(steps)}
          </span>
        )}
      </div>
      {isUnread && <p class="muted">Their statuses can’t be read at the moment.</p>}
      <ul class="rows">
        {steps.map((step) => (
          <StepRow
            key={step.stepId}
            step={step}
            href={isOfReader ? stepPath(base, step.stepId) : undefined}
          />
        ))}
        {more > 0 && (
          <li id="more">
            {isOfReader ? <a href={homePath(base)}>and {more} more</a> : <span>and {more} more</span>}
          </li>
        )}
      </ul>
      {mayChange(steps) && (
        <p>
          <a href={address}>{isKeptCurrent ? 'Refresh' : 'Check again'}</a>
        </p>
      )}
    </section>
  );
}

/** Whether a step of the list may still change without a person. */
export function mayChange(steps: readonly ListedStep[]): boolean {
  return steps.some((step) => step.isUnread === true || step.status === 'running' || isNotToldYet(step));
}

/** Whether a step has not been told of the connection yet. */
function isNotToldYet({ status, reason }: ListedStep): boolean {
  return status === 'awaiting-input' && reason !== 'needs-approval' && reason !== 'outcome-unknown';
}

function progressOf(steps: readonly ListedStep[]): string {
  const finished = steps.filter(({ status }) => status !== undefined && hasEnded({ status })).length;
  const failed = steps.filter(({ status }) => status === 'error').length;
  return `${finished} of ${steps.length} ${steps.length === 1 ? 'has' : 'have'} finished${failed > 0 ? `, ${failed} failed` : ''}`;
}

function StepRow({ step, href }: { step: ListedStep; href: string | undefined }) {
  const { stepId, name, status, reason } = step;
  const words = name === undefined ? <code>{stepId}</code> : <span dir="auto">{name}</span>;
  return (
    <li id={`step-${stepId}`} data-step-id={stepId}>
      <span class="grow">{href === undefined ? words : <a href={href}>{words}</a>}</span>
      {status !== undefined &&
        (isNotToldYet(step) ? <AboutToGoOnBadge /> : <StatusBadge status={status} reason={reason} />)}
    </li>
  );
}
