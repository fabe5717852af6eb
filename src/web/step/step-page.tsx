import { type PageFrame, renderPage } from '../page.tsx';
import { Notice } from '../parts/notice.tsx';
import { StatusBadge } from '../parts/status-badge.tsx';
import { shortText } from '../short-text.ts';
import { stepName } from '../step-words.ts';
import { isCancelling } from './activity.ts';
import { Arguments } from './arguments.tsx';
import { CancelForm } from './cancel-form.tsx';
import { EndedCard } from './ended-card.tsx';
import { Result } from './result.tsx';
import { RunningCard, refreshSecondsOf } from './running-card.tsx';
import { Said } from './said.tsx';
import { StepFacts, Subtitle } from './step-facts.tsx';
import { hasEnded } from './step-page-data.ts';
import { Timeline } from './timeline.tsx';
import type { WaitingProps } from './waiting.tsx';
import { WaitingCard } from './waiting-card.tsx';

const MAX_NAME = 200;

/** The page of one step: what it is, what happens now and what the reader can do, its result, arguments and history. */
export function stepPage(frame: PageFrame, props: Omit<WaitingProps, 'frame'>): string {
  const name = nameOf(props);
  return renderPage({
    ...frame,
    title: name,
    live: true,
    isWide: true,
    refreshSeconds: refreshSecondsOf(frame.reader, props.data),
    children: <Step {...props} frame={frame} />,
  });
}

function Step(props: WaitingProps) {
  const { frame, data } = props;
  const { step, isAnswered, said } = data;
  return (
    <article id="step" data-step-id={step.stepId}>
      <header class="step-head">
        <h1 dir="auto">{nameOf(props)}</h1>
        <StatusBadge status={step.status} />
        <Subtitle frame={frame} data={data} />
      </header>
      <div class="columns">
        <div>
          <Said frame={frame} step={step} said={said} />
          {!isAnswered && <NoWorker />}
          <Now {...props} />
          {step.result !== undefined && <Result frame={frame} stepId={step.stepId} result={step.result} />}
          {step.awaitingInputReason !== 'needs-approval' && step.kind !== 'listing' && (
            <Arguments reader={frame.reader} value={data.arguments} />
          )}
        </div>
        <div>
          <h2>About this step</h2>
          <StepFacts frame={frame} data={data} />
          <section id="timeline">
            <h2>What happened</h2>
            <Timeline reader={frame.reader} userId={frame.user?.userId ?? ''} timeline={step.timeline} />
            {!frame.reader.isTimeZoneKnown && <p class="hint">Times of day are in UTC.</p>}
          </section>
          {!hasEnded(step) && !isCancelling(step.timeline) && (
            <CancelForm frame={frame} step={step} csrf={props.csrf} />
          )}
        </div>
      </div>
    </article>
  );
}

/** What happens now, or how it ended. */
function Now(props: WaitingProps) {
  const { frame, data } = props;
  if (data.step.status === 'awaiting-input') return <WaitingCard {...props} />;
  if (hasEnded(data.step)) return <EndedCard frame={frame} data={data} />;
  return data.isAnswered ? <RunningCard reader={frame.reader} data={data} /> : null;
}

function NoWorker() {
  return (
    <Notice kind="warning" id="no-worker">
      Latchkey can’t show all details at the moment. They come back by themselves.
    </Notice>
  );
}

function nameOf({ data: { step } }: Pick<WaitingProps, 'data'>): string {
  return shortText(stepName(step), MAX_NAME);
}
