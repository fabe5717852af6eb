import { accountMember } from '../contracts/accounts.ts';
import { splitScopes } from '../contracts/scopes.ts';
import { connectUrl } from '../contracts/urls.ts';
import type { ConnectionSummary } from '../credentials/credential-store.ts';
import { type ConnectionNeed, NEED_BUTTONS, NEED_WORDS } from './connection-needs.ts';
import { CONNECTION_REASON_WORDS } from './connection-reasons.ts';
import type { PageFrame } from './page.tsx';
import { Scopes } from './parts/scopes.tsx';
import { Time } from './parts/time.tsx';
import { disconnectPath, homePath } from './paths.ts';
import { accountWords } from './step-words.ts';

interface ConnectionRowProps {
  frame: PageFrame;
  connection: ConnectionSummary;
  /** What steps wait for. Undefined: none waits. */
  need: ConnectionNeed | undefined;
}

/** A connected account, or one whose access has ended, with what its user can do. */
export function ConnectionRow({ frame, connection, need }: ConnectionRowProps) {
  const { mcpServerId, account, state, scopes } = connection;
  const kind = state.status === 'connected' ? need?.kind : 'reconnect';
  const place = placeOf(mcpServerId, account);
  // The heading of the server is on connections-page.tsx.
  const describedBy = `name-${encodeURIComponent(mcpServerId)} of-${place}`;
  return (
    <li id={place} data-account={account} data-connection-status={state.status}>
      <div class="grow">
        <AccountLine id={`of-${place}`} words={accountWords(connection)} kind={kind} />
        <Reason state={state} need={need} id={place} />
        <Facts frame={frame} connection={connection} />
        <Waiting frame={frame} mcpServerId={mcpServerId} steps={need?.waitingSteps ?? 0} />
        <Scopes scopes={splitScopes(scopes)} id={`scopes-${place}`} />
      </div>
      <div class="actions">
        <a
          class={kind === undefined ? 'button quiet small' : 'button small'}
          href={connectUrl(frame.base, mcpServerId, undefined, account)}
          aria-describedby={describedBy}
        >
          {NEED_BUTTONS[kind ?? 'reconnect']}
        </a>
        <form method="get" action={disconnectPath(frame.base, mcpServerId)} id={`disconnect-${place}`}>
          <AccountField account={account} />
          <button type="submit" class="danger small" aria-describedby={describedBy}>
            Disconnect
          </button>
        </form>
      </div>
    </li>
  );
}

interface ReasonProps {
  state: ConnectionSummary['state'];
  need: ConnectionNeed | undefined;
  id: string;
}

/** Why the user has to connect again. */
function Reason({ state, need, id }: ReasonProps) {
  if (state.status === 'reauth-required') return <p>{CONNECTION_REASON_WORDS[state.reason]}</p>;
  if (need?.kind === 'reconnect') return <p>{CONNECTION_REASON_WORDS[need.reason ?? 'token-rejected']}</p>;
  if (need?.kind !== 'allow-more') return null;
  return (
    <>
      <p>The server asks for more access than you have allowed:</p>
      <Scopes scopes={need.requiredScopes} id={`needed-${id}`} label="Scopes that are missing" />
    </>
  );
}

/** An account that is not connected, and that steps wait for. */
export function UnconnectedRow({ frame, need }: { frame: PageFrame; need: ConnectionNeed }) {
  const { mcpServerId, account, waitingSteps } = need;
  return (
    <li id={placeOf(mcpServerId, account)} data-account={account} data-connection-status="absent">
      <div class="grow">
        <AccountLine words={accountWords(need)} kind="connect" />
        <Waiting frame={frame} mcpServerId={mcpServerId} steps={waitingSteps} />
      </div>
      <a class="button small" href={connectUrl(frame.base, mcpServerId, undefined, account)}>
        {NEED_BUTTONS.connect}
      </a>
    </li>
  );
}

/** The hidden field that names an account other than the default one. */
export function AccountField({ account }: { account: string }) {
  const named = accountMember(account).account;
  return named === undefined ? null : <input type="hidden" name="account" value={named} />;
}

const STATES = { connect: 'absent', reconnect: 'reauth-required', 'allow-more': 'scope-required' } as const;

interface AccountLineProps {
  id?: string;
  words: string;
  /** What the account needs; undefined: nothing. */
  kind: ConnectionNeed['kind'] | undefined;
}

function AccountLine({ id, words, kind }: AccountLineProps) {
  return (
    <p class="title">
      <strong dir="auto" id={id}>
        {words}
      </strong>{' '}
      <span class="status" data-state={kind === undefined ? 'connected' : STATES[kind]}>
        {kind === undefined ? 'Connected' : NEED_WORDS[kind]}
      </span>
    </p>
  );
}

function Facts({ frame, connection }: { frame: PageFrame; connection: ConnectionSummary }) {
  const { since } = connection;
  if (since === undefined) return null;
  return (
    <p class="meta">
      Since <Time reader={frame.reader} at={since} />
    </p>
  );
}

function Waiting({ frame, mcpServerId, steps }: { frame: PageFrame; mcpServerId: string; steps: number }) {
  if (steps === 0) return null;
  return (
    <p>
      <a href={homePath(frame.base, { status: 'awaiting-input', server: mcpServerId })}>
        {steps === 1 ? '1 step waits for it' : `${steps} steps wait for it`}
      </a>
    </p>
  );
}

/** Two ids can't make one place: an encoded part holds no colon. */
function placeOf(mcpServerId: string, account: string): string {
  return `account:${encodeURIComponent(mcpServerId)}:${encodeURIComponent(account)}`;
}
