import type { ComponentChildren } from 'preact';
import type { ConnectCode } from '../../connect/connect-code.ts';
import type { Renewability } from '../../connect/sessions/connect-session.ts';
import { CsrfField, type Page, type PageFrame, renderPage } from '../page.tsx';
import { TextField } from '../parts/field.tsx';
import { Notice } from '../parts/notice.tsx';
import { Time } from '../parts/time.tsx';
import { type ConnectTarget, ConnectTargetCard } from './connect-page.tsx';
import { REFUSAL_TEXTS } from './refusal-texts.ts';
import { type ListedStep, mayChange, ResumedSteps } from './resumed-steps.tsx';

/** Where the user can go from a page. */
export interface WayOn {
  /** The host's page. Absent: the flow has none. */
  returnUrl?: string | undefined;
}

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
const REFRESH_SECONDS = 2;

/** The page after a consent. While it is open, it shows the steps finishing. */
export function connectedPage(frame: PageFrame, page: ConnectedPage): string {
  const { target, steps, stepCount, address, renewal } = page;
  const isOfReader = frame.user?.userId === target.userId;
  const way = !isOfReader && mayChange(steps) ? { refreshSeconds: REFRESH_SECONDS } : { live: isOfReader };
  return outcome(
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
      />,
      <WayBack {...page} />,
    ],
    way,
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
  { target, returnUrl }: WayOn & { target: ConnectTarget },
): string {
  return outcome(frame, 'One more step in your app', [
    <p>
      You have allowed access to {target.server}. It counts as soon as the app that sent you here has
      confirmed it.
    </p>,
    <ConnectTargetCard target={target} />,
    <WayBack returnUrl={returnUrl} />,
  ]);
}

/** Why a choice was not carried out. */
export interface RefusedChoice {
  /** The name that the user gave is another connection's. */
  takenName?: string | undefined;
  /** The user was asked about another consent, in another tab. */
  isAnotherConsent?: boolean;
}

export interface ChoicePage extends WayOn, RefusedChoice {
  target: ConnectTarget;
  /** Of the account that the user has just signed in to. */
  label?: string | undefined;
  /** `consent`: which consent the form asks about. */
  form: { action: string; csrf: string; consent: string };
}

/** Asks what to do with a consent of another account at the provider than the connected one. */
export function choicePage(
  frame: PageFrame,
  { target, label, form, takenName, isAnotherConsent, returnUrl }: ChoicePage,
): string {
  return outcome(frame, 'This is another account', [
    isAnotherConsent === true && (
      <Notice kind="problem">
        <p>You have signed in once more meanwhile, so your choice was not carried out. Choose again.</p>
      </Notice>
    ),
    <p>
      You have signed in to {target.server}{' '}
      {label === undefined ? (
        'with another account'
      ) : (
        <>
          as <strong dir="auto">{label}</strong>, which is another account
        </>
      )}{' '}
      than the one that is connected as <strong dir="auto">{target.account}</strong>. Nothing was changed yet.
    </p>,
    <section class="card" aria-labelledby="keep">
      <h2 id="keep">Keep both</h2>
      <form method="post" action={form.action} id="keep-form">
        <CsrfField value={form.csrf} />
        <input type="hidden" name="choice" value="another" />
        <input type="hidden" name="consent" value={form.consent} />
        <TextField
          name="account"
          label="Name of the new account"
          value={takenName ?? label ?? ''}
          problem={takenName && `You have another connection called “${takenName}”. Choose another name.`}
          limits={{ maxlength: 255 }}
          required
        />
        <button type="submit">Keep as another account</button>
      </form>
    </section>,
    <section class="card" aria-labelledby="replace">
      <h2 id="replace">Replace the connected account</h2>
      <p>Steps that use {target.account} then act as the account that you have just signed in to.</p>
      <form method="post" action={form.action} id="replace-form">
        <CsrfField value={form.csrf} />
        <input type="hidden" name="choice" value="replace" />
        <input type="hidden" name="consent" value={form.consent} />
        <button type="submit" class="danger">
          Replace {target.account}
        </button>
      </form>
    </section>,
    <WayBack returnUrl={returnUrl} />,
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
  return outcome(frame, target === undefined ? 'Not connected' : `Not connected to ${target.server}`, [
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
    isRetriable && form === undefined && <p>Go back to the app that sent you here and follow a new link.</p>,
    <WayBack {...page} />,
    <p class="muted">
      For the people who run this service: <code>{code}</code>
      {detail !== undefined && <>, {detail}</>}.
    </p>,
  ]);
}

/** A session in which nothing has happened, or whose time is over. */
export function unfinishedPage(
  frame: PageFrame,
  page: WayOn & { target: ConnectTarget; isOver: boolean },
): string {
  const { target, isOver } = page;
  return outcome(frame, `Not connected to ${target.server}`, [
    <p>
      {isOver
        ? 'The time for this connection is over. Go back to the app that sent you here and follow a new link.'
        : 'The connection is not finished yet: the authorization server has not sent you back.'}
    </p>,
    <WayBack {...page} />,
  ]);
}

function WayBack({ returnUrl }: WayOn) {
  if (returnUrl === undefined)
    return <p class="muted">You can close this page, or go back to the app that sent you here.</p>;
  return (
    <p>
      <a class="button quiet" href={returnUrl}>
        Go back
      </a>
    </p>
  );
}

function outcome(
  frame: PageFrame,
  title: string,
  parts: ComponentChildren[],
  way: Pick<Page, 'live' | 'refreshSeconds'> = {},
): string {
  return renderPage({
    ...frame,
    ...way,
    title,
    children: (
      <>
        <h1>{title}</h1>
        {parts}
      </>
    ),
  });
}
