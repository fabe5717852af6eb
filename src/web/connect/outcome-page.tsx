import type { ComponentChildren } from 'preact';
import type { ConnectCode } from '../../connect/connect-code.ts';
import type { Renewability } from '../../connect/sessions/connect-session.ts';
import { CsrfField, type PageFrame, renderPage } from '../page.tsx';
import { type ConnectTarget, ConnectTargetList } from './connect-page.tsx';
import { REFUSAL_TEXTS } from './refusal-texts.ts';

/** A step that goes on. */
export interface ListedStep {
  stepId: string;
  /** Its title, or its tool; undefined: Temporal did not tell in time. */
  name?: string;
}

/** Where the user can go from a page. */
export interface WayOn {
  /** The host's page. Absent: the flow has none. */
  returnUrl?: string | undefined;
}

export interface ConnectedPage extends WayOn {
  target: ConnectTarget;
  label?: string | undefined;
  renewal: Renewability;
  steps: ListedStep[];
  stepCount: number;
}

export function connectedPage(frame: PageFrame, page: ConnectedPage): string {
  const { target, steps, stepCount, renewal } = page;
  return outcome(frame, `Connected to ${target.server}`, [
    page.label !== undefined && (
      <p>
        Your account there: <strong>{page.label}</strong>
      </p>
    ),
    <ConnectTargetList target={target} />,
    !renewal.isRenewable && <NotRenewable renewal={renewal} />,
    <StepsThatGoOn steps={steps} count={stepCount} />,
    <WayBack {...page} />,
  ]);
}

function NotRenewable({ renewal }: { renewal: Extract<Renewability, { isRenewable: false }> }) {
  const { worksUntil } = renewal;
  return (
    <p class="notice">
      The authorization server gave access for a limited time only
      {worksUntil !== undefined && (
        <>
          , until <time datetime={worksUntil.toISOString()}>{inUtc(worksUntil)}</time>
        </>
      )}
      . After that, you are asked to connect again.
    </p>
  );
}

function inUtc(moment: Date): string {
  return `${moment.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

function StepsThatGoOn({ steps, count }: { steps: ListedStep[]; count: number }) {
  if (count === 0) return <p>No step was waiting for this connection.</p>;
  const more = count - steps.length;
  return (
    <section aria-labelledby="steps">
      <h2 id="steps">{count === 1 ? 'This step goes on' : 'These steps go on'}</h2>
      <ul>
        {steps.map(({ stepId, name }) => (
          <li key={stepId} data-step-id={stepId}>
            {name === undefined ? <code>{stepId}</code> : name}
          </li>
        ))}
        {more > 0 && <li>and {more} more</li>}
      </ul>
    </section>
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
    <ConnectTargetList target={target} />,
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
    <p>
      You have signed in to {target.server}{' '}
      {label === undefined ? (
        'with another account'
      ) : (
        <>
          as <strong>{label}</strong>, which is another account
        </>
      )}{' '}
      than the one that is connected as <strong>{target.account}</strong>. Nothing was changed yet.
    </p>,
    isAnotherConsent === true && (
      <p class="notice problem" role="alert">
        You have signed in once more meanwhile, so your choice was not carried out. Choose again.
      </p>
    ),
    takenName !== undefined && (
      <p class="notice problem" role="alert">
        You have another connection called “{takenName}”. Choose another name.
      </p>
    ),
    <form method="post" action={form.action}>
      <CsrfField value={form.csrf} />
      <input type="hidden" name="choice" value="another" />
      <input type="hidden" name="consent" value={form.consent} />
      <label for="account">Name of the new account</label>
      <input
        type="text"
        id="account"
        name="account"
        value={takenName ?? label ?? ''}
        maxlength={255}
        required
      />
      <button type="submit">Keep as another account</button>
    </form>,
    <form method="post" action={form.action}>
      <CsrfField value={form.csrf} />
      <input type="hidden" name="choice" value="replace" />
      <input type="hidden" name="consent" value={form.consent} />
      <button type="submit" class="danger">
        Replace {target.account}
      </button>
    </form>,
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
    <p class="notice problem">{text}</p>,
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
    return <p>You can close this page, or go back to the app that sent you here.</p>;
  return (
    <p>
      <a class="button quiet" href={returnUrl}>
        Go back
      </a>
    </p>
  );
}

function outcome(frame: PageFrame, title: string, parts: ComponentChildren[]): string {
  return renderPage({
    ...frame,
    title,
    children: (
      <>
        <h1>{title}</h1>
        {parts}
      </>
    ),
  });
}
