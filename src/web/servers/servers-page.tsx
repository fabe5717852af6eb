import type { RegisteredServer } from '../../servers/registered-server.ts';
import { type PageFrame, renderPage } from '../page.tsx';
import { type Done, DoneNotice } from '../parts/done-notice.tsx';
import { NoServers } from '../parts/no-servers.tsx';
import { PausedBadge } from '../parts/paused-badge.tsx';
import { Time } from '../parts/time.tsx';
import { newServerPath, serverPath } from '../paths.ts';
import { serverName } from '../server-name.ts';
import { AUTH_WORDS } from './server-words.ts';

/** Lists the registered servers, for admins. */
export function serversPage(frame: PageFrame, servers: readonly RegisteredServer[], done?: Done): string {
  return renderPage({
    ...frame,
    title: 'Servers',
    section: 'servers',
    live: true,
    children: (
      <>
        <div class="head">
          <h1>Servers</h1>
          {servers.length > 0 && (
            <a class="button" href={newServerPath(frame.base)}>
              Add a server
            </a>
          )}
        </div>
        {done === 'server-removed' && <DoneNotice done={done} />}
        {servers.length === 0 && <NoServers frame={frame} />}
        {servers.length > 0 && (
          <ul class="rows">
            {servers.map((server) => (
              <ServerRow key={server.id} frame={frame} server={server} />
            ))}
          </ul>
        )}
      </>
    ),
  });
}

function ServerRow({ frame, server }: { frame: PageFrame; server: RegisteredServer }) {
  const { id, url, auth, paused, createdAt } = server;
  return (
    <li id={`server-${encodeURIComponent(id)}`} data-server-id={id}>
      <span class="grow">
        <a href={serverPath(frame.base, id)} dir="auto">
          {serverName(server)}
        </a>
        <span class="meta">
          <code dir="auto">{id}</code> · {new URL(url).host}
        </span>
      </span>
      {paused && <PausedBadge />}
      <span class="meta">
        {AUTH_WORDS[auth.type]}
        <br />
        Added <Time reader={frame.reader} at={createdAt} />
      </span>
    </li>
  );
}
