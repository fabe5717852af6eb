/** One line with its end, or the part of a line at the end of a text. */
const LINE = /[^\n]*\n|[^\n]+$/g;
/** The field of a line. A comment has a colon and no field. A `retry` without a number has no effect. */
const FIELD = /^(?<field>data|event|id|retry(?=: ?\d+\n))?[:\n]/;
/** The characters that decide what a line is: those of the longest field and its colon. */
const DECISIVE = 'event:'.length;
/** The same for a `retry`: a few digits and the end of the line. */
const DECISIVE_FOR_RETRY = 32;
/** An event may have `event`, `id` and one more field uncounted. */
const UNCOUNTED_FIELDS = 3;

/**
 * Returns a function that passes on the text of an event stream without the lines that it does not define. They have
 * no effect, but the parser creates an error with a stack for each. `count` is called for each event, also without data,
 * for each comment, and for each line that an event does not need. It throws if there are too many. Lines end with LF.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export function createLineFilter(count: () => void): (text: string) => string {
  const isKnown = lineCounter(count);
  let beginning = '';
  let line: 'new' | 'kept' | 'dropped' = 'new';

  function keep(part: string): string {
    const ends = part.endsWith('\n');
    if (line === 'new' && !ends && part.length < decisiveLength(part)) {
      beginning = part;
      return '';
    }
    if (line === 'new') line = isKnown(part) ? 'kept' : 'dropped';
    const kept = line === 'kept' ? part : '';
    if (ends) line = 'new';
    return kept;
  }

  return (text) => {
    const whole = beginning + text;
    beginning = '';
    let kept = '';
    for (const [part] of whole.matchAll(LINE)) kept += keep(part);
    return kept;
  };
}

function decisiveLength(beginning: string): number {
  return beginning.startsWith('retry') ? DECISIVE_FOR_RETRY : DECISIVE;
}

/** Counts a line by its beginning. Returns whether the parser needs to see it. */
function lineCounter(count: () => void): (line: string) => boolean {
  let fields = 0;

  function countField(field: string): void {
    fields += 1;
    // A line of `data` is limited by the bytes of the event.
    if (fields === 1 || (field !== 'data' && fields > UNCOUNTED_FIELDS)) count();
  }

  return (line) => {
    const field = FIELD.exec(line)?.groups?.field;
    if (field !== undefined) countField(field);
    else if (line === '\n') fields = 0;
    else count();
    return field !== undefined || line === '\n';
  };
}
