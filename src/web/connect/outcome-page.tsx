import type { ConnectCode } from '../../connect/connect-code.ts';
import type { Renewability } from '../../connect/sessions/connect-session.ts';
import { CsrfField, type PageFrame } from '../page.tsx';
import { Notice } from '../parts/notice.tsx';
import { Time } from '../parts/time.tsx';
import { type ConnectTarget, ConnectTargetCard } from './connect-page.tsx';
import { renderOutcomePage, WayBack, type WayOn } from './outcome-frame.tsx';
import { REFUSAL_TEXTS } from './refusal-texts.ts';
import { type ListedStep, mayChange, ResumedSteps } from './resumed-steps.tsx';

export interface ConnectedPage extends WayOn {
  target: ConnectTarget;
  label?: string | undefined;
  renewal: Renewability;
  /** The page's own. */
  address: string;
  steps: readonly ListedStep[];
  stepCount: number;
}

/** How often the page looks again for a reader who is not signed in, whom no event tells of changes. */
const REFRESH_SECONDS = { atFirst: 2, atLast: 30 };
/** Steps may wait for weeks for something else. */
const REFRESHED_FOR_SECONDS = 600;

/** The longer the page is open, the less often it looks again. Undefined: it does not any more. */
function refreshSecondsOf({ openSeconds = 0 }: PageFrame): number | undefined {
  if (openSeconds >= REFRESHED_FOR_SECONDS) return undefined;
  return Math.min(Math.max(Math.floor(openSeconds / 10), REFRESH_SECONDS.atFirst), REFRESH_SECONDS.atLast);
}

/** The page after a consent. While it is open, it shows the steps finishing. */
export function connectedPage(frame: PageFrame, page: ConnectedPage): string {
  const { target, steps, stepCount, address, renewal } = page;
  const isOfReader = frame.user?.userId === target.userId;
  const refreshSeconds = !isOfReader && mayChange(steps) ? refreshSecondsOf(frame) : undefined;
  return renderOutcomePage(
    frame,
    `Connected to ${target.server}`,
    [
      <Notice kind="success">
        <p>
          Latchkey may use {target.server} in your name now
          {page.label !== undefined && (
            <>
              , with your account <strong dir="auto">{page.label}</strong>
            </>
          )}
          .
        </p>
      </Notice>,
      <ConnectTargetCard target={target} />,
      !renewal.isRenewable && <NotRenewable frame={frame} renewal={renewal} />,
      <ResumedSteps
        base={frame.base}
        steps={steps}
        count={stepCount}
        isOfReader={isOfReader}
        address={address}
        isKeptCurrent={isOfReader || refreshSeconds !== undefined}
      />,
      <WayBack {...page} base={frame.base} isNext />,
    ],
    { live: isOfReader, refreshSeconds },
  );
}

type Limited = Extract<Renewability, { isRenewable: false }>;

function NotRenewable({ frame, renewal }: { frame: PageFrame; renewal: Limited }) {
  const { worksUntil } = renewal;
  return (
    <Notice kind="warning">
      <p>
        The authorization server gave access for a limited time only
        {worksUntil !== undefined && (
          <>
            , until <Time reader={frame.reader} at={worksUntil} />
          </>
        )}
        . After that, you are asked to connect again.
      </p>
    </Notice>
  );
}

export function awaitingConfirmationPage(
  frame: PageFrame,
  { target, ...way }: WayOn & { target: ConnectTarget },
): string {
  return renderOutcomePage(frame, 'One more step in your app', [
    <p>
      You have allowed access to {target.server}. It counts as soon as the app that sent you here has
      confirmed it.
    </p>,
    <ConnectTargetCard target={target} />,
    <WayBack {...way} base={frame.base} />,
  ]);
}

export interface NotConnectedPage extends WayOn {
  target?: ConnectTarget | undefined;
  code: ConnectCode;
  /** For the operator. */
  detail?: string | undefined;
  /** Absent: another try is not possible here. */
  form?: { action: string; csrf: string } | undefined;
}

export function notConnectedPage(frame: PageFrame, page: NotConnectedPage): string {
  const { target, code, detail, form } = page;
  const { text, isRetriable } = REFUSAL_TEXTS[code];
  return renderOutcomePage(
    frame,
    target === undefined ? 'Not connected' : `Not connected to ${target.server}`,
    [
      <Notice kind="problem">
        <p>{text}</p>
      </Notice>,
      target !== undefined && <ConnectTargetCard target={target} />,
      isRetriable && form !== undefined && (
        <form method="post" action={form.action}>
          <CsrfField value={form.csrf} />
          <button type="submit">Try again</button>
        </form>
      ),
      isRetriable && form === undefined && page.ownPage === undefined && (
        <p>Go back to the app that sent you here and follow a new link.</p>
      ),
      <WayBack {...page} base={frame.base} />,
      <p class="muted">
        For the people who run this service: <code>{code}</code>
        {detail !== undefined && <>, {detail}</>}.
      </p>,
    ],
  );
}

/** A session in which nothing has happened, or whose time is over. */
export function unfinishedPage(
  frame: PageFrame,
  page: WayOn & { target: ConnectTarget; isOver: boolean },
): string {
  const { target, isOver } = page;
  return renderOutcomePage(frame, `Not connected to ${target.server}`, [
    <p>
      {isOver
        ? 'The time for this connection is over. Go back to the app that sent you here and follow a new link.'
        : 'The connection is not finished yet: the authorization server has not sent you back.'}
    </p>,
    <WayBack {...page} base={frame.base} />,
  ]);
}
