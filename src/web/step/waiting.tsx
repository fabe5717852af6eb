import type { ComponentChildren } from 'preact';
import type { PageFrame } from '../page.tsx';
import { Since } from '../parts/time.tsx';
import type { ApprovalForm, RefusedInput } from './decision-input.ts';
import type { StepPageData } from './step-page-data.ts';
import { pausedAt } from './timeline-entry.ts';

export interface WaitingProps {
  frame: PageFrame;
  csrf: string;
  data: StepPageData;
  /** With `needs-approval`. */
  approval?: ApprovalForm | undefined;
  refused?: RefusedInput | undefined;
}

interface CardProps {
  frame: PageFrame;
  data: StepPageData;
  heading: string;
  children: ComponentChildren;
}

/** The card of a paused step. */
export function Waiting({ frame: { reader }, data: { step }, heading, children }: CardProps) {
  return (
    <section class="card attention" id="now">
      <div class="head">
        <h2>{heading}</h2>
        <p class="meta">
          waiting for <Since reader={reader} at={pausedAt(step)} />
        </p>
      </div>
      {children}
    </section>
  );
}
