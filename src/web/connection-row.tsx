import { accountMember, DEFAULT_ACCOUNT } from '../contracts/accounts.ts';
import { splitScopes } from '../contracts/scopes.ts';
import { connectUrl } from '../contracts/urls.ts';
import type { ConnectionSummary } from '../credentials/credential-store.ts';
import { REASONS } from './connection-reasons.ts';
import type { PageFrame } from './page.tsx';
import { Scopes } from './parts/scopes.tsx';
import { Time } from './parts/time.tsx';
import { disconnectPath, homePath } from './paths.ts';
import { accountWords } from './step-words.ts';

/** A connected account, or one whose access has ended, with what its user can do. */
export function ConnectionRow({ frame, connection }: { frame: PageFrame; connection: ConnectionSummary }) {
  const { mcpServerId, account, state, scopes, waitingSteps } = connection;
  const isConnected = state.status === 'connected';
  const place = placeOf(mcpServerId, account);
  // The heading of the server is on connections-page.tsx.
  const describedBy = `name-${encodeURIComponent(mcpServerId)} of-${place}`;
  return (
    <li id={place} data-account={account} data-connection-status={state.status}>
      <div class="grow">
        <AccountLine id={`of-${place}`} words={accountWords(connection)} state={state.status} />
        {!isConnected && <p>{REASONS[state.reason]}</p>}
        <Facts frame={frame} connection={connection} />
        <Waiting frame={frame} mcpServerId={mcpServerId} steps={waitingSteps} />
        <Scopes scopes={splitScopes(scopes)} id={`scopes-${place}`} />
      </div>
      <div class="actions">
        <a
          class={isConnected ? 'button quiet small' : 'button small'}
          href={connectUrl(frame.base, mcpServerId, undefined, account)}
          aria-describedby={describedBy}
        >
          Reconnect
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

export interface Unconnected {
  frame: PageFrame;
  mcpServerId: string;
  account: string;
  waitingSteps: number;
}

/** An account that is not connected, and that steps wait for. */
export function UnconnectedRow({ frame, mcpServerId, account, waitingSteps }: Unconnected) {
  return (
    <li id={placeOf(mcpServerId, account)} data-account={account} data-connection-status="absent">
      <div class="grow">
        <AccountLine words={account === DEFAULT_ACCOUNT ? 'Your account' : account} state="absent" />
        <Waiting frame={frame} mcpServerId={mcpServerId} steps={waitingSteps} />
      </div>
      <a class="button" href={connectUrl(frame.base, mcpServerId, undefined, account)}>
        Connect
      </a>
    </li>
  );
}

/** The hidden field that names an account other than the default one. */
export function AccountField({ account }: { account: string }) {
  const named = accountMember(account).account;
  return named === undefined ? null : <input type="hidden" name="account" value={named} />;
}

const STATE_WORDS = {
  connected: 'Connected',
  'reauth-required': 'Needs you to reconnect',
  absent: 'Not connected',
} as const;

interface AccountLineProps {
  id?: string;
  words: string;
  state: keyof typeof STATE_WORDS;
}

function AccountLine({ id, words, state }: AccountLineProps) {
  return (
    <p class="title">
      <strong dir="auto" id={id}>
        {words}
      </strong>{' '}
      <span class="status" data-state={state}>
        {STATE_WORDS[state]}
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
