import { DEFAULT_ACCOUNT } from '../contracts/accounts.ts';
import { connectUrl } from '../contracts/urls.ts';
import type { ConnectionSummary } from '../credentials/credential-store.ts';
import type { ConnectionNeed } from './connection-needs.ts';
import { ConnectionRow, UnconnectedRow } from './connection-row.tsx';
import { type PageFrame, renderPage } from './page.tsx';
import { type Done, DoneNotice } from './parts/done-notice.tsx';
import { TextField } from './parts/field.tsx';
import { NoServers } from './parts/no-servers.tsx';
import { PausedBadge } from './parts/paused-badge.tsx';
import { serverName } from './server-name.ts';

/** A server, with the user's accounts there. */
export interface UsableServer {
  id: string;
  title?: string | undefined;
  /** Of its address. */
  host: string;
  /** False: it is not used with accounts of its users. */
  needsConnection: boolean;
  isPaused: boolean;
  connections: readonly ConnectionSummary[];
  /** What steps wait for, also at accounts that are not connected. */
  needs: readonly ConnectionNeed[];
}

export function connectionsPage(frame: PageFrame, servers: readonly UsableServer[], done?: Done): string {
  const connectable = servers.filter(({ needsConnection }) => needsConnection);
  const others = servers.filter(({ needsConnection }) => !needsConnection);
  return renderPage({
    ...frame,
    title: 'Connections',
    section: 'connections',
    live: true,
    children: (
      <>
        <h1>Connections</h1>
        {done === 'disconnected' && <DoneNotice done={done} />}
        {servers.length === 0 && <NoServers frame={frame} />}
        {connectable.length > 0 && <p class="muted">The servers that your steps may use in your name.</p>}
        {[...connectable].sort(byUrgency).map((server) => (
          <ServerCard key={server.id} frame={frame} server={server} />
        ))}
        {others.length > 0 && <WithoutConnection servers={others} />}
      </>
    ),
  });
}

function byUrgency(a: UsableServer, b: UsableServer): number {
  return urgencyOf(b) - urgencyOf(a);
}

function urgencyOf({ connections, needs }: UsableServer): number {
  if (needs.length > 0 || connections.some(({ state }) => state.status !== 'connected')) return 2;
  return connections.length > 0 ? 1 : 0;
}

function ServerCard({ frame, server }: { frame: PageFrame; server: UsableServer }) {
  const { id, connections, needs } = server;
  const missing = needs.filter(({ kind }) => kind === 'connect');
  const place = encodeURIComponent(id);
  const isUnused = connections.length === 0 && missing.length === 0;
  // Steps that name no account act as this one. It is offered also while only others are connected.
  const lacksDefault = ![...connections, ...missing].some(({ account }) => account === DEFAULT_ACCOUNT);
  return (
    <section
      class={urgencyOf(server) === 2 ? 'card attention' : 'card'}
      id={`server-${place}`}
      data-server-id={id}
      aria-labelledby={`name-${place}`}
    >
      <div class="head">
        <h2 id={`name-${place}`} dir="auto">
          {serverName(server)}
        </h2>
        {server.isPaused && <PausedBadge />}
        <span class="meta">{server.host}</span>
      </div>
      <ul class="accounts">
        {connections.map((connection) => (
          <ConnectionRow
            key={connection.account}
            frame={frame}
            connection={connection}
            need={needs.find(({ account }) => account === connection.account)}
          />
        ))}
        {missing.map((need) => (
          <UnconnectedRow key={need.account} frame={frame} need={need} />
        ))}
        {lacksDefault && (
          <li>
            <div class="grow">{isUnused ? 'Not connected.' : 'Your account: not connected.'}</div>
            <a class="button small" href={connectUrl(frame.base, id)}>
              Connect
            </a>
          </li>
        )}
      </ul>
      {connections.length > 0 && <AddAccount base={frame.base} id={id} />}
    </section>
  );
}

function AddAccount({ base, id }: { base: string; id: string }) {
  const place = encodeURIComponent(id);
  return (
    <details class="more" id={`add-${place}`}>
      <summary>Add an account</summary>
      <form method="get" action={connectUrl(base, id)} id={`add-form-${place}`}>
        <TextField
          name="account"
          id={`account-${place}`}
          label="Name of the account"
          hint="Steps name it to act as this account, for example “work”."
          limits={{ maxlength: 255 }}
          required
        />
        <button type="submit" class="quiet">
          Continue
        </button>
      </form>
    </details>
  );
}

function WithoutConnection({ servers }: { servers: readonly UsableServer[] }) {
  return (
    <section aria-labelledby="without">
      <h2 id="without">No connection needed</h2>
      <ul class="rows">
        {servers.map((server) => (
          <li key={server.id} id={`server-${encodeURIComponent(server.id)}`} data-server-id={server.id}>
            <span class="grow">
              <strong dir="auto">{serverName(server)}</strong>
              <span class="meta">{server.host}</span>
            </span>
            {server.isPaused && <PausedBadge />}
            <span class="meta">Needs no connection</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
