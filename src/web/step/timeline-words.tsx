import type { ComponentChildren } from 'preact';
import { AWAITING_INPUT_REASONS, STEP_STATUSES, type TimelineEntry } from '../../contracts/step.ts';
import { formatDuration, formatNumber, type Reader } from '../reader.ts';
import { shortText } from '../short-text.ts';
import { REASON_WORDS, STATUS_WORDS } from '../step-words.ts';
import type { ByteBudget } from './byte-budget.ts';
import { causeWords } from './cause-words.ts';
import { connectionReasonWords } from './connection-words.ts';
import { numberIn, progressIn, textIn, timeOf } from './timeline-entry.ts';

/** An entry in words, and what belongs to it in smaller print. */
interface EntryWords {
  text: ComponentChildren;
  detail?: ComponentChildren;
}

export interface Told {
  reader: Reader;
  /** The user who reads the page is called "you". */
  userId: string;
  entry: TimelineEntry;
  /** All entries before this one, oldest first. */
  before: readonly TimelineEntry[];
  /** For the words of people and servers. */
  budget: ByteBudget;
}

/** Of one quotation. */
const MAX_CHARACTERS = 500;

type Tell = (told: Told) => EntryWords;

const TELLERS: Readonly<Record<string, Tell>> = {
  started: () => ({ text: 'Started' }),
  reset: () => ({
    text: 'Reset by the people who run this service',
    detail: 'A new call can be recognized as a repetition.',
  }),
  'history-restored': () => ({
    text: 'Latchkey was restored from a backup',
    detail: 'A call may have been made in the part that is lost.',
  }),
  'credentials-restored': () => ({ text: 'The connections were restored from a backup' }),
  'token-renewed': () => ({ text: 'The access was renewed' }),
  'awaiting-input': pausedWords,
  connected: connectedWords,
  resumed: resumedWords,
  approved: (told) => ({
    text: <>Approved{decider(told)}</>,
    ...(told.entry.edited === true && { detail: 'With other arguments than it was started with.' }),
  }),
  rejected: (told) => ({ text: <>Rejected{decider(told)}</>, ...quoted(told, 'reason', 'rejected') }),
  resolved: (told) => ({ text: <>Decided{decider(told)}</>, ...resolutionWords(told.entry) }),
  cancelling: () => ({ text: 'Cancellation requested' }),
  cancelled: () => ({ text: 'Cancelled' }),
  finished: ({ entry }) => ({ text: finishedWords(entry) }),
  'answer-lost': ({ entry }) => ({
    text: 'The call was sent, and its answer was lost',
    detail: `Because ${causeWords(entry.cause)}.`,
  }),
  progress: progressWords,
  'waiting-for-server': (told) => waitWords(told, 'The server did not answer the call'),
  'waiting-for-turn': () => ({
    text: 'Waited for its turn',
    detail: 'As many calls as allowed were under way.',
  }),
  'waiting-for-key': (told) => waitWords(told, 'Waited for an encryption key'),
  'waiting-for-operator': (told) => waitWords(told, 'Waited for the people who run this service'),
  'server-paused': () => ({ text: 'An admin paused the server' }),
  'server-resumed': () => ({ text: 'An admin resumed the server' }),
};

/** Says what happened. An event that this version does not know is shown by its name. */
export function entryWords(told: Told): EntryWords {
  const { event } = told.entry;
  const tell = Object.hasOwn(TELLERS, event) ? TELLERS[event] : undefined;
  return tell?.(told) ?? { text: <code>{shortText(event, 100)}</code> };
}

/** Who decided, as ` by you`. */
export function decider({ entry, userId }: Pick<Told, 'entry' | 'userId'>): ComponentChildren {
  const by = textIn(entry, 'by');
  if (by === undefined) return null;
  if (by === userId) return ' by you';
  return (
    <>
      {' by '}
      <bdi>{shortText(by, 100)}</bdi>
    </>
  );
}

function pausedWords({ entry }: Told): EntryWords {
  const reason = AWAITING_INPUT_REASONS.find((one) => one === entry.reason);
  const why = connectionReasonWords(textIn(entry, 'connectionReason'));
  return {
    text: reason === undefined ? 'Waited for a person' : `Paused: ${lowerFirst(REASON_WORDS[reason])}`,
    ...(why !== undefined && { detail: why }),
  };
}

/** Of a listing, which waits for several connections. */
function connectedWords({ entry }: Told): EntryWords {
  const server = textIn(entry, 'mcpServerId');
  if (server === undefined) return { text: 'A server was connected' };
  return {
    text: (
      <>
        <bdi>{shortText(server, 100)}</bdi> was connected
      </>
    ),
  };
}

function resumedWords({ entry, before, reader }: Told): EntryWords {
  const paused = before.findLast(({ event }) => event === 'awaiting-input');
  const ms = paused === undefined ? Number.NaN : timeOf(entry) - timeOf(paused);
  return { text: ms >= 0 ? `Went on after ${formatDuration(reader, ms)}` : 'Went on' };
}

const RESOLUTIONS: Readonly<Record<string, string>> = {
  retry: 'The tool is called again.',
  succeed: 'The call succeeded.',
  fail: 'The call failed.',
};

function resolutionWords(entry: TimelineEntry): Pick<EntryWords, 'detail'> {
  const action = textIn(entry, 'action') ?? '';
  return Object.hasOwn(RESOLUTIONS, action) ? { detail: RESOLUTIONS[action] } : {};
}

function finishedWords(entry: TimelineEntry): string {
  const status = STEP_STATUSES.find((one) => one === entry.status);
  return status === undefined ? 'Ended' : STATUS_WORDS[status];
}

function progressWords(told: Told): EntryWords {
  const details = progressIn(told.entry);
  if (details === undefined) return { text: 'Progress' };
  return { text: progressCount(told.reader, details), ...quoted(told, 'message') };
}

/** Such as `Progress: 3 of 10`. */
export function progressCount(reader: Reader, { progress, total }: { progress: number; total?: number }) {
  const count = formatNumber(reader, progress);
  return total === undefined ? `Progress: ${count}` : `Progress: ${count} of ${formatNumber(reader, total)}`;
}

function waitWords({ entry, reader }: Told, text: string): EntryWords {
  const waitMs = numberIn(entry, 'waitMs');
  const because = entry.event === 'waiting-for-server' ? `Because ${causeWords(entry.cause)}. ` : '';
  const next = waitMs === undefined ? '' : `Next try after ${formatDuration(reader, waitMs)}.`;
  return { text, detail: `${because}${next}` };
}

/** The words of a person or a server. */
function quoted({ entry, budget }: Told, name: string, silent?: string): Pick<EntryWords, 'detail'> {
  const words = textIn(entry, name);
  if (words === undefined || words === silent) return {};
  const { text, left } = budget.take(words, MAX_CHARACTERS);
  if (text === '') return { detail: '…' };
  return {
    detail: (
      <q dir="auto">
        {text}
        {left > 0 && '…'}
      </q>
    ),
  };
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
