import type { ConnectionSummary } from '../credentials/credential-store.ts';
import { AccountField } from './connection-row.tsx';
import { CsrfField, type PageFrame, renderPage } from './page.tsx';
import { connectionsPath, disconnectPath } from './paths.ts';
import { serverName } from './server-name.ts';
import { accountWords } from './step-words.ts';

export interface DisconnectPage {
  server: { id: string; title?: string | undefined };
  connection: ConnectionSummary;
  csrf: string;
}

/** Asks again before a connection ends. */
export function disconnectPage(frame: PageFrame, { server, connection, csrf }: DisconnectPage): string {
  const name = serverName(server);
  return renderPage({
    ...frame,
    title: `Disconnect ${name}?`,
    section: 'connections',
    children: (
      <>
        <h1>Disconnect {name}?</h1>
        <div class="card">
          <p>
            Account: <strong dir="auto">{accountWords(connection)}</strong>
          </p>
          <p>
            The stored access is deleted and withdrawn at the provider, where it offers that. Steps that need
            it then wait until you connect again.
          </p>
          <form method="post" action={disconnectPath(frame.base, server.id)} class="actions" id="disconnect">
            <CsrfField value={csrf} />
            <AccountField account={connection.account} />
            <button type="submit" class="danger">
              Disconnect
            </button>
            <a class="button quiet" href={connectionsPath(frame.base)}>
              Keep it
            </a>
          </form>
        </div>
      </>
    ),
  });
}
