import { formatDuration, formatMoment, type Reader } from '../reader.ts';

interface Moment {
  reader: Reader;
  /** ISO 8601, or a Date. */
  at: string | Date;
}

/** A moment in the reader's locale and time zone. */
export function Time({ reader, at }: Moment) {
  const moment = new Date(at);
  return (
    <time datetime={moment.toISOString()} lang={reader.locale}>
      {formatMoment(reader, moment)}
    </time>
  );
}

/** How long ago a moment was, such as `3 minutes ago`. */
export function Ago({ reader, at }: Moment) {
  const moment = new Date(at);
  const ms = reader.now.getTime() - moment.getTime();
  return (
    <time datetime={moment.toISOString()}>
      {ms < 1_000 ? 'just now' : `${formatDuration(reader, ms)} ago`}
    </time>
  );
}

/** How long something has lasted, such as `3 days`. */
export function Since({ reader, at }: Moment) {
  const moment = new Date(at);
  return (
    <time datetime={moment.toISOString()}>
      {formatDuration(reader, Math.max(reader.now.getTime() - moment.getTime(), 0))}
    </time>
  );
}
