import { accountMember, DEFAULT_ACCOUNT } from '../../contracts/accounts.ts';
import type { ConnectionSummary } from '../../credentials/credential-store.ts';
import { connectPath } from '../connect/own-page.ts';
import { CONNECTION_REASON_WORDS } from '../connection-reasons.ts';
import type { PageFrame } from '../page.tsx';
import { EmptyState } from '../parts/empty-state.tsx';
import { serversPath, startPath } from '../paths.ts';
import { serverName } from '../server-name.ts';
import { accountWords } from '../step-words.ts';
import { renderStage } from './stages.tsx';

/** A server at which a step can be started. */
export interface OfferedServer {
  id: string;
  title?: string | undefined;
  /** Its steps wait until an admin resumes it. */
  isPaused: boolean;
  /** The user's connections. Undefined: the server needs none. */
  connections: readonly ConnectionSummary[] | undefined;
}

/** The first stage: choose a server and an account. */
export function chooseServerPage(frame: PageFrame, servers: readonly OfferedServer[]): string {
  return renderStage(frame, {
    stage: 'server',
    title: 'Start a step',
    children: (
      <>
        <h1>Start a step</h1>
        <p>
          A step calls one tool of a server for you, and keeps at it: it waits if you have to approve the call
          or sign in again, it survives restarts, and it shows you what happened.
        </p>
        {servers.length === 0 ? <NoServer frame={frame} /> : <Servers base={frame.base} servers={servers} />}
      </>
    ),
  });
}

function NoServer({ frame: { base, user } }: { frame: PageFrame }) {
  if (user?.isAdmin) {
    return (
      <EmptyState title="Begin with a server">
        <p>Steps call the tools of MCP servers, and none is registered yet. All you need is its address.</p>
        <p class="actions">
          <a class="button" href={`${serversPath(base)}/new`}>
            Add a server
          </a>
        </p>
      </EmptyState>
    );
  }
  return (
    <EmptyState title="No server yet">
      <p>
        Steps call the tools of MCP servers, and none is registered here. An admin registers servers: ask the
        people who run this service.
      </p>
    </EmptyState>
  );
}

function Servers({ base, servers }: { base: string; servers: readonly OfferedServer[] }) {
  return (
    <>
      <h2>Choose a server</h2>
      <ul class="rows">
        {servers.flatMap((server) => {
          const { connections } = server;
          if (connections === undefined) return [<OpenServer key={server.id} base={base} server={server} />];
          const lacksDefault = !connections.some(({ account }) => account === DEFAULT_ACCOUNT);
          return [
            ...connections.map((connection) => (
              <Account
                key={`${server.id} ${connection.account}`}
                base={base}
                server={server}
                connection={connection}
              />
            )),
            lacksDefault && <NotConnected key={server.id} base={base} server={server} />,
          ];
        })}
      </ul>
    </>
  );
}

interface Row {
  base: string;
  server: OfferedServer;
}

function OpenServer({ base, server }: Row) {
  return (
    <li data-server-id={server.id}>
      <Name server={server} meta="Needs no connection" />
      <ChooseTool base={base} server={server} />
    </li>
  );
}

function NotConnected({ base, server }: Row) {
  return (
    <li data-server-id={server.id}>
      <Name server={server} meta="Not connected" />
      <a class="button quiet small" href={connectPath(base, { mcpServerId: server.id, from: 'start' })}>
        Connect
        <OfServer server={server} />
      </a>
    </li>
  );
}

function Account({ base, server, connection }: Row & { connection: ConnectionSummary }) {
  const { account, state } = connection;
  const name = accountWords(connection);
  if (state.status === 'connected') {
    return (
      <li data-server-id={server.id} data-account={account}>
        <Name server={server} meta={name} />
        <ChooseTool base={base} server={server} account={account} />
      </li>
    );
  }
  return (
    <li data-server-id={server.id} data-account={account}>
      <Name server={server} meta={`${name}: ${CONNECTION_REASON_WORDS[state.reason]}`} />
      <a
        class="button quiet small"
        href={connectPath(base, { mcpServerId: server.id, account, from: 'start' })}
      >
        Reconnect
        <OfServer server={server} />
      </a>
    </li>
  );
}

function Name({ server, meta }: { server: OfferedServer; meta: string }) {
  return (
    <div class="grow">
      <h3 dir="auto">{serverName(server)}</h3>
      <span class="meta" dir="auto">
        {meta}
        {server.isPaused && ' · paused: steps wait until an admin resumes it'}
      </span>
    </div>
  );
}

function ChooseTool({ base, server, account }: Row & { account?: string }) {
  return (
    <a class="button small" href={startPath(base, { server: server.id, ...accountMember(account) })}>
      Choose a tool
      <OfServer server={server} />
    </a>
  );
}

/** Tells the links of a list apart for those who only hear them. */
function OfServer({ server }: { server: OfferedServer }) {
  return <span class="visually-hidden"> ({serverName(server)})</span>;
}
