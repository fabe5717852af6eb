import { accountMember } from '../../contracts/accounts.ts';
import type { TimelineEntry } from '../../contracts/step.ts';
import { asSentence } from '../as-sentence.ts';
import { connectPath } from '../connect/own-page.ts';
import type { PageFrame } from '../page.tsx';
import { startPath } from '../paths.ts';
import { shortText } from '../short-text.ts';
import { adviceFor, decidedFailure, type ErrorAdvice } from './error-advice.ts';
import type { StepPageData } from './step-page-data.ts';
import { lastDecision, textIn } from './timeline-entry.ts';
import { decider } from './timeline-words.tsx';

const MAX_CHARACTERS = 2_000;

/** How a step ended that has no result to show, and what to do next. */
export function EndedCard({ frame, data }: { frame: PageFrame; data: StepPageData }) {
  switch (data.step.status) {
    case 'error':
      return <FailedCard frame={frame} data={data} />;
    case 'skipped':
      return <SkippedCard frame={frame} data={data} />;
    case 'cancelled':
      return <CancelledCard frame={frame} data={data} />;
    default:
      return null;
  }
}

function FailedCard({ frame, data }: { frame: PageFrame; data: StepPageData }) {
  const { error } = data.step;
  const advice = adviceFor(data.step);
  const decision = decidedFailure(data.step);
  if (decision !== undefined) return <DecidedFailureCard frame={frame} data={data} decision={decision} />;
  const isPlain = error === undefined || error.code === 'tool-error';
  return (
    <section class="card failed" id="now">
      <h2>{advice.heading}</h2>
      {!isPlain && <p dir="auto">{asSentence(shortText(error.message, MAX_CHARACTERS))}</p>}
      {error?.serverMessage !== undefined && (
        <figure>
          <figcaption class="muted">The server says:</figcaption>
          <blockquote dir="auto">{shortText(error.serverMessage, MAX_CHARACTERS)}</blockquote>
        </figure>
      )}
      <p>{advice.advice}</p>
      <NextAction frame={frame} data={data} action={advice.action} />
    </section>
  );
}

interface DecidedFailureProps {
  frame: PageFrame;
  data: StepPageData;
  decision: TimelineEntry;
}

function DecidedFailureCard({ frame, data, decision }: DecidedFailureProps) {
  const by = textIn(decision, 'by');
  return (
    <section class="card failed" id="now">
      <h2>
        {by === frame.user?.userId ? 'You' : <bdi>{shortText(by ?? 'Somebody', 100)}</bdi>} decided that it
        failed
      </h2>
      <p>The call was sent, and its answer was lost. Start a new step if it is still needed.</p>
      <NextAction frame={frame} data={data} action="start-again" />
    </section>
  );
}

function SkippedCard({ frame, data }: { frame: PageFrame; data: StepPageData }) {
  const rejected = data.step.timeline.findLast(({ event }) => event === 'rejected');
  const reason = rejected && textIn(rejected, 'reason');
  return (
    <section class="card" id="now">
      <h2>Rejected{rejected && decider({ entry: rejected, userId: frame.user?.userId ?? '' })}</h2>
      {reason !== undefined && reason !== 'rejected' && (
        <blockquote dir="auto">{shortText(reason, MAX_CHARACTERS)}</blockquote>
      )}
      <p>The tool was not called.</p>
    </section>
  );
}

function CancelledCard({ frame, data }: { frame: PageFrame; data: StepPageData }) {
  const decision = lastDecision(data.step.timeline);
  return (
    <section class="card" id="now">
      <h2>Cancelled</h2>
      <p>
        {decision === undefined
          ? 'It was ended before it had a result. '
          : 'It was cancelled before it had a result. '}
        {data.step.kind !== 'listing' && 'If a call was under way, the tool may still have run.'}
      </p>
      <NextAction frame={frame} data={data} action="start-again" />
    </section>
  );
}

interface NextActionProps {
  frame: PageFrame;
  data: StepPageData;
  action: ErrorAdvice['action'];
}

function NextAction({ frame: { base }, data, action }: NextActionProps) {
  const { mcpServerId: server, account, tool, stepId } = data.step;
  const named = accountMember(account);
  switch (action) {
    case 'start-again':
      return tool === '' ? null : (
        <LinkButton href={startPath(base, { again: stepId })}>Start a new step</LinkButton>
      );
    case 'other-tool':
      return <LinkButton href={startPath(base, { server, ...named })}>Choose another tool</LinkButton>;
    case 'connect':
      return (
        <LinkButton href={connectPath(base, { mcpServerId: server, account, step: stepId, from: 'again' })}>
          Connect
        </LinkButton>
      );
    case undefined:
      return null;
    default:
      return action satisfies never;
  }
}

function LinkButton({ href, children }: { href: string; children: string }) {
  return (
    <p class="actions">
      <a class="button quiet" href={href}>
        {children}
      </a>
    </p>
  );
}
