import { accountMember, DEFAULT_ACCOUNT } from '../contracts/accounts.ts';
import { connectUrl } from '../contracts/urls.ts';
import type { ConnectionSummary } from '../credentials/credential-store.ts';
import { REASONS } from './connection-reasons.ts';
import { CsrfField, type PageFrame, renderPage } from './page.tsx';
import { connectionsPath } from './paths.ts';

/** A server that users connect, with the user's connections to it. */
export interface ConnectableServer {
  id: string;
  title?: string | undefined;
  connections: readonly ConnectionSummary[];
}

export function connectionsPage(frame: PageFrame, servers: readonly ConnectableServer[]): string {
  return renderPage({
    live: true,
    ...frame,
    title: 'Connections',
    children: (
      <>
        <h1>Connections</h1>
        {servers.length === 0 && <p>No server is registered here that you could connect.</p>}
        {servers.map((server) => (
          <ServerCard key={server.id} base={frame.base} server={server} />
        ))}
      </>
    ),
  });
}

function ServerCard({ base, server }: { base: string; server: ConnectableServer }) {
  const { id, connections } = server;
  return (
    <section class="card" data-server-id={id}>
      <h2>{nameOf(server)}</h2>
      {connections.length === 0 ? (
        <>
          <p>Not connected.</p>
          <a class="button" href={connectUrl(base, id)}>
            Connect
          </a>
        </>
      ) : (
        <ul class="plain">
          {connections.map((connection) => (
            <Account key={connection.account} base={base} connection={connection} />
          ))}
        </ul>
      )}
    </section>
  );
}

function Account({ base, connection }: { base: string; connection: ConnectionSummary }) {
  const { mcpServerId, account, state, waitingSteps } = connection;
  return (
    <li data-account={account} data-connection-status={state.status}>
      <p>
        <strong>{accountName(connection)}</strong>:{' '}
        {state.status === 'connected'
          ? 'connected.'
          : `needs to be connected again. ${REASONS[state.reason]}`}
        {waitingSteps > 0 && ` ${waitingText(waitingSteps)}`}
      </p>
      <div class="actions">
        <a
          class={state.status === 'connected' ? 'button quiet' : 'button'}
          href={connectUrl(base, mcpServerId, undefined, account)}
        >
          Reconnect
        </a>
        <form method="get" action={`${base}/disconnect/${encodeURIComponent(mcpServerId)}`}>
          <AccountField account={account} />
          <button type="submit" class="danger">
            Disconnect
          </button>
        </form>
      </div>
    </li>
  );
}

export interface DisconnectPage {
  server: { id: string; title?: string | undefined };
  connection: ConnectionSummary;
  csrf: string;
}

/** Asks again before a connection ends. */
export function disconnectPage(frame: PageFrame, { server, connection, csrf }: DisconnectPage): string {
  const name = nameOf(server);
  return renderPage({
    ...frame,
    title: `Disconnect ${name}?`,
    children: (
      <>
        <h1>Disconnect {name}?</h1>
        <p>
          Account: <strong>{accountName(connection)}</strong>. The stored access is deleted and withdrawn at
          the provider, where it offers that. Steps that need it then wait until you connect again.
        </p>
        <form
          method="post"
          action={`${frame.base}/disconnect/${encodeURIComponent(server.id)}`}
          class="actions"
        >
          <CsrfField value={csrf} />
          <AccountField account={connection.account} />
          <button type="submit" class="danger">
            Disconnect
          </button>
          <a class="button quiet" href={connectionsPath(frame.base)}>
            Keep it
          </a>
        </form>
      </>
    ),
  });
}

function AccountField({ account }: { account: string }) {
  const named = accountMember(account).account;
  return named === undefined ? null : <input type="hidden" name="account" value={named} />;
}

function nameOf({ id, title }: { id: string; title?: string | undefined }): string {
  return title ?? id;
}

function accountName({ account, label }: Pick<ConnectionSummary, 'account' | 'label'>): string {
  if (label !== undefined) return account === DEFAULT_ACCOUNT ? label : `${label} (${account})`;
  return account === DEFAULT_ACCOUNT ? 'Your account' : account;
}

function waitingText(steps: number): string {
  return steps === 1 ? 'One step waits for it.' : `${steps} steps wait for it.`;
}
