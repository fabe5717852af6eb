import type { ComponentChildren } from 'preact';
import { formatDuration, type Reader } from '../reader.ts';
import { shortText } from '../short-text.ts';
import { type Activity, activityOf } from './activity.ts';
import { causeWords } from './cause-words.ts';
import type { StepPageData } from './step-page-data.ts';
import type { ProgressDetails } from './timeline-entry.ts';
import { progressCount } from './timeline-words.tsx';

/** Seconds between fetches while a call runs: progress raises no event. Long calls are looked at less often. */
const REFRESH_SECONDS = { atFirst: 3, later: 30 };
const AT_FIRST_MS = 2 * 60_000;

/** Undefined: the page is told of every change. */
export function refreshSecondsOf(reader: Reader, { step }: StepPageData): number | undefined {
  const isCalling = step.status === 'running' && activityOf(step, reader.now.getTime()).kind === 'calling';
  if (!isCalling) return undefined;
  const heardAt = new Date(step.timeline.at(-1)?.at ?? step.updatedAt).getTime();
  const isNew = reader.now.getTime() - heardAt < AT_FIRST_MS;
  return isNew ? REFRESH_SECONDS.atFirst : REFRESH_SECONDS.later;
}

/** What a running step does now. */
export function RunningCard({ reader, data }: { reader: Reader; data: StepPageData }) {
  const activity = activityOf(data.step, reader.now.getTime());
  const isListing = data.step.kind === 'listing' && activity.kind === 'calling';
  const { heading, text, progress } = isListing ? LISTING_WORDS : wordsOf(activity, reader);
  return (
    <section class="card" id="now">
      <h2>{heading}</h2>
      {progress && <ProgressBar reader={reader} progress={progress} />}
      <p>{text}</p>
    </section>
  );
}

function ProgressBar({ reader, progress }: { reader: Reader; progress: ProgressDetails }) {
  const { progress: value, total, message } = progress;
  return (
    <div>
      <label for="progress">{progressCount(reader, progress)}</label>
      <progress id="progress" {...(total !== undefined && { value: Math.min(value, total), max: total })} />
      {message !== undefined && (
        <p class="hint" dir="auto">
          {shortText(message, 500)}
        </p>
      )}
    </div>
  );
}

interface ActivityWords {
  heading: string;
  text: ComponentChildren;
  progress?: ProgressDetails;
}

const LISTING_WORDS: ActivityWords = {
  heading: 'Asking the servers for their tools',
  text: 'You need not do anything. You may leave this page.',
};

function wordsOf(activity: Activity, reader: Reader): ActivityWords {
  const next = (at: number | undefined) =>
    at === undefined ? '' : ` Next try in ${formatDuration(reader, at - reader.now.getTime())}.`;
  switch (activity.kind) {
    case 'calling':
      return {
        heading: 'Calling the tool',
        text: 'The result appears here when the server has answered. You may leave this page.',
        ...(activity.progress && { progress: activity.progress }),
      };
    case 'waiting-for-server':
      return {
        heading: 'Waiting for the server',
        text: `It did not answer the last try, because ${causeWords(activity.cause)}.${next(activity.nextTryAt)} You need not do anything.`,
      };
    case 'waiting-for-turn':
      return {
        heading: 'Waiting for its turn',
        text: 'As many calls as allowed are under way. This one follows as soon as one of them ends.',
      };
    case 'waiting-for-key':
      return {
        heading: 'Waiting for the people who run this service',
        text: `An encryption key is missing, which the people who run this service have to add.${next(activity.nextTryAt)}`,
      };
    case 'waiting-for-operator':
      return {
        heading: 'Waiting for the people who run this service',
        text: `The provider refuses the app that the people who run this service have registered. They have to correct it.${next(activity.nextTryAt)}`,
      };
    case 'server-paused':
      return {
        heading: 'The server is paused',
        text: 'An admin paused the server. The step goes on when it is resumed.',
      };
    case 'cancelling':
      return {
        heading: 'Cancelling',
        text: 'Nothing more is sent. If the call under way is still answered, its result is kept.',
      };
    default:
      return activity satisfies never;
  }
}
