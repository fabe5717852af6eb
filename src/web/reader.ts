/** How the reader of a page writes numbers and times. The language of the pages is English. */
export interface Reader {
  /** A BCP 47 tag that `Intl` supports. */
  locale: string;
  /** An IANA time zone. */
  timeZone: string;
  /** False: the browser has not told its time zone, so times are in UTC and say so. */
  isTimeZoneKnown: boolean;
  /** The moment at which the page is made. */
  now: Date;
}

/** The cookie that the page's script sets to the browser's time zone. */
export const TIME_ZONE_COOKIE = 'latchkey-time-zone';

const DEFAULT_LOCALE = 'en-GB';

/** @param acceptLanguage RFC 9110 §12.5.4 */
export function readerOf(
  acceptLanguage: string | undefined,
  timeZone: string | undefined,
  now = new Date(),
): Reader {
  const isTimeZoneKnown = timeZone !== undefined && isTimeZone(timeZone);
  return {
    locale: localeOf(acceptLanguage),
    timeZone: isTimeZoneKnown ? timeZone : 'UTC',
    isTimeZoneKnown,
    now,
  };
}

/** Writes a moment to the minute, such as `26 Nov 2026, 09:47`. */
export function formatMoment({ locale, timeZone, isTimeZoneKnown }: Reader, moment: Date): string {
  return new Intl.DateTimeFormat(locale, {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZone,
    ...(!isTimeZoneKnown && { timeZoneName: 'short' }),
  }).format(moment);
}

/** Writes times of day to the second. */
export function timeFormat({ locale, timeZone, isTimeZoneKnown }: Reader): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat(locale, {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZone,
    ...(!isTimeZoneKnown && { timeZoneName: 'short' }),
  });
}

/** Writes days, such as `Thursday, 26 November 2026`. */
export function dayFormat({ locale, timeZone }: Reader): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeZone });
}

export function formatNumber({ locale }: Reader, value: number): string {
  return new Intl.NumberFormat(locale).format(value);
}

/** Writes a size such as `1.4 MB`. */
export function formatBytes({ locale }: Reader, bytes: number): string {
  const [unit, divisor] = BYTE_UNITS.find(([, size]) => bytes >= size) ?? ['byte', 1];
  return new Intl.NumberFormat(locale, {
    style: 'unit',
    unit,
    unitDisplay: unit === 'byte' ? 'long' : 'short',
    maximumFractionDigits: 1,
  }).format(bytes / divisor);
}

const BYTE_UNITS: readonly (readonly [string, number])[] = [
  ['gigabyte', 1e9],
  ['megabyte', 1e6],
  ['kilobyte', 1e3],
];

const DURATION_UNITS: readonly (readonly [string, number])[] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
];

/** Writes a duration in its largest unit, such as `3 days`; under a second: `a moment`. */
export function formatDuration(reader: Reader, ms: number): string {
  const [unit, size] = DURATION_UNITS.find(([, one]) => ms >= one) ?? ['', 0];
  if (size === 0) return 'a moment';
  const count = Math.floor(ms / size);
  return `${formatNumber(reader, count)} ${unit}${count === 1 ? '' : 's'}`;
}

function localeOf(acceptLanguage: string | undefined): string {
  const preferred = (acceptLanguage ?? '')
    .slice(0, 1_000)
    .split(',')
    .map(languageRange)
    .filter(({ tag, weight }) => weight > 0 && tag !== '*' && tag !== '')
    .sort((a, b) => b.weight - a.weight)
    .find(({ tag }) => isSupported(tag));
  return preferred?.tag ?? DEFAULT_LOCALE;
}

function languageRange(text: string): { tag: string; weight: number } {
  const [tag = '', ...parameters] = text.split(';').map((part) => part.trim());
  const quality = parameters.find((parameter) => parameter.startsWith('q='));
  return { tag, weight: quality === undefined ? 1 : Number(quality.slice(2)) };
}

function isSupported(tag: string): boolean {
  try {
    return Intl.DateTimeFormat.supportedLocalesOf([tag]).length > 0;
  } catch {
    return false;
  }
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
