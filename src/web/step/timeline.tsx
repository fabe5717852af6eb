import { Fragment } from 'preact';
import type { TimelineEntry } from '../../contracts/step.ts';
import { dayFormat, formatNumber, type Reader, timeFormat } from '../reader.ts';
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
export function Timeline({ reader, userId, timeline }: TimelineProps) {
  const day = dayFormat(reader);
  const days = timeline.map((entry) => (hasTime(entry) ? day.format(timeOf(entry)) : ''));
  const shared = {
    // The zone is named once, below the list. A format takes long to make.
    format: timeFormat({ ...reader, isTimeZoneKnown: true }),
    budget: createByteBudget(QUOTED_BYTES),
    reader,
    userId,
    timeline,
  };
  const spansDays = new Set(days).size > 1;
  const show = (from: number, to: number) =>
    timeline.slice(from, to).map((entry, offset) => {
      const index = from + offset;
      const isNewDay = spansDays && (index === from || days[index - 1] !== days[index]);
      return (
        <Fragment key={entry.at + index}>
          {isNewDay && days[index] !== '' && <li class="day">{days[index]}</li>}
          <Entry {...shared} index={index} />
        </Fragment>
      );
    });
  if (timeline.length <= LONG) return <ol class="timeline">{show(0, timeline.length)}</ol>;
  const end = timeline.length - LAST;
  return (
    <>
      <ol class="timeline">{show(0, FIRST)}</ol>
      <details id="timeline-middle" class="middle">
        <summary>Show {countOf(formatNumber(reader, end - FIRST), 'more event')}</summary>
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

interface EntryProps extends TimelineProps {
  index: number;
  format: Intl.DateTimeFormat;
  budget: ByteBudget;
}

function Entry({ reader, userId, timeline, index, format, budget }: EntryProps) {
  const entry = timeline[index];
  if (entry === undefined) return null;
  const { text, detail } = entryWords({ reader, userId, entry, before: timeline.slice(0, index), budget });
  return (
    <li id={`event-${index}`}>
      {hasTime(entry) ? (
        <time datetime={new Date(timeOf(entry)).toISOString()} lang={reader.locale}>
          {format.format(timeOf(entry))}
        </time>
      ) : (
        <span />
      )}
      <div>
        {text}
        {detail !== undefined && detail !== '' && <span class="meta">{detail}</span>}
      </div>
    </li>
  );
}

function hasTime(entry: TimelineEntry): boolean {
  return !Number.isNaN(timeOf(entry));
}
