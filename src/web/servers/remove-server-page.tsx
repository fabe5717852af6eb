import type { ServerUsage } from '../../connect/connect-flow.ts';
import type { RegisteredServer } from '../../servers/registered-server.ts';
import { CsrfField, type PageFrame, renderPage } from '../page.tsx';
import { serverPath } from '../paths.ts';
import { formatNumber } from '../reader.ts';
import { serverName } from '../server-name.ts';

export interface RemoveServerPage {
  server: RegisteredServer;
  usage: ServerUsage;
  csrf: string;
}

/** Asks again before a server's registration ends, and says what ends with it. */
export function removeServerPage(frame: PageFrame, { server, usage, csrf }: RemoveServerPage): string {
  const title = `Remove ${serverName(server)}?`;
  return renderPage({
    ...frame,
    title,
    section: 'servers',
    children: (
      <>
        <h1 dir="auto">{title}</h1>
        <div class="card">
          <dl>
            <dt>Connections</dt>
            <dd>{formatNumber(frame.reader, usage.connections)}</dd>
            <dt>Steps that wait for one</dt>
            <dd>{formatNumber(frame.reader, usage.waitingSteps)}</dd>
          </dl>
          <ul>
            <li>
              Its connections can’t be used any more. If you add it again, its users have to connect again.
            </li>
            <li>
              Steps that wait for a connection wait on until their time is over, or until it is added again
              under the same id and connected.
            </li>
            <li>Steps that call it from now on, or that its pause holds, fail.</li>
          </ul>
          <p>To stop calls for a while, pause it instead.</p>
          <form
            method="post"
            action={serverPath(frame.base, server.id, 'remove')}
            class="actions"
            id="remove-form"
          >
            <CsrfField value={csrf} />
            <button type="submit" class="danger">
              Remove
            </button>
            <a class="button quiet" href={serverPath(frame.base, server.id)}>
              Keep it
            </a>
          </form>
        </div>
      </>
    ),
  });
}
