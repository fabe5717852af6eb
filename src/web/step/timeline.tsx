import { Fragment } from 'preact';
import type { TimelineEntry } from '../../contracts/step.ts';
import { formatDay, formatNumber, formatTime, type Reader } from '../reader.ts';
import { countOf } from '../step-words.ts';
import { type ByteBudget, createByteBudget } from './byte-budget.ts';
import { timeOf } from './timeline-entry.ts';
import { entryWords } from './timeline-words.tsx';

interface TimelineProps {
  reader: Reader;
  userId: string;
  timeline: readonly TimelineEntry[];
}

/** The entries that stay visible of a long timeline. */
const FIRST = 5;
const LAST = 20;
const LONG = 40;
/** The bytes of a page that the words of people and servers may take up here. */
const QUOTED_BYTES = 20_000;

/** What happened to a step, oldest first, in the reader's time zone. */
export function Timeline({ timeline, ...props }: TimelineProps) {
  const days = timeline.map((entry) => dayOf(props.reader, entry));
  const spansDays = new Set(days).size > 1;
  const budget = createByteBudget(QUOTED_BYTES);
  const show = (from: number, to: number) =>
    timeline.slice(from, to).map((entry, offset) => {
      const index = from + offset;
      const isNewDay = spansDays && (index === from || days[index - 1] !== days[index]);
      return (
        <Fragment key={entry.at + index}>
          {isNewDay && <li class="day">{days[index]}</li>}
          <Entry {...props} index={index} timeline={timeline} budget={budget} />
        </Fragment>
      );
    });
  if (timeline.length <= LONG) return <ol class="timeline">{show(0, timeline.length)}</ol>;
  const end = timeline.length - LAST;
  return (
    <>
      <ol class="timeline">{show(0, FIRST)}</ol>
      <details id="timeline-middle" class="middle">
        <summary>Show {countOf(formatNumber(props.reader, end - FIRST), 'more event')}</summary>
        <ol class="timeline" start={FIRST + 1}>
          {show(FIRST, end)}
        </ol>
      </details>
      <ol class="timeline" start={end + 1}>
        {show(end, timeline.length)}
      </ol>
    </>
  );
}

function Entry({
  reader,
  userId,
  timeline,
  index,
  budget,
}: TimelineProps & { index: number; budget: ByteBudget }) {
  const entry = timeline[index];
  if (entry === undefined) return null;
  const { text, detail } = entryWords({
    reader,
    userId,
    entry,
    before: timeline.slice(0, index),
    budget,
  });
  return (
    <li id={`event-${index}`}>
      <TimeOfDay reader={reader} at={timeOf(entry)} />
      <div>
        {text}
        {detail !== undefined && detail !== '' && <span class="meta">{detail}</span>}
      </div>
    </li>
  );
}

function TimeOfDay({ reader, at }: { reader: Reader; at: number }) {
  if (Number.isNaN(at)) return <span />;
  const moment = new Date(at);
  return (
    <time datetime={moment.toISOString()} lang={reader.locale}>
      {formatTime(reader, moment)}
    </time>
  );
}

function dayOf(reader: Reader, entry: TimelineEntry): string {
  const at = timeOf(entry);
  return Number.isNaN(at) ? '' : formatDay(reader, new Date(at));
}
