import type { RegisteredCheck } from '../../connect/check-registered-server.ts';
import type { RegisteredServer } from '../../servers/registered-server.ts';
import { CsrfField, type PageFrame, renderPage } from '../page.tsx';
import { type Done, DoneNotice } from '../parts/done-notice.tsx';
import { PausedBadge } from '../parts/paused-badge.tsx';
import { serverPath, serversPath } from '../paths.ts';
import { serverName } from '../server-name.ts';
import { CheckResult } from './check-result.tsx';
import { RegisteredFacts } from './registered-facts.tsx';

export interface ServerPage {
  server: RegisteredServer;
  csrf: string;
  /** Absent: it was not checked now. */
  check?: RegisteredCheck | undefined;
  /** What was done before. */
  done?: Done | undefined;
}

/** What is registered of a server, without its secrets, and what an admin can do with it. */
export function serverPage(frame: PageFrame, { server, csrf, check, done }: ServerPage): string {
  const title = serverName(server);
  return renderPage({
    ...frame,
    title,
    section: 'servers',
    live: true,
    children: (
      <>
        <p class="meta">
          <a href={serversPath(frame.base)}>Servers</a>
        </p>
        <div class="head">
          <h1 dir="auto">{title}</h1>
          {server.paused && <PausedBadge />}
        </div>
        {done !== undefined && agrees(done, server) && <DoneNotice done={done} />}
        {check !== undefined && <CheckResult check={check} hasFocus />}
        <section class="card" aria-labelledby="registered">
          <h2 id="registered">What is registered</h2>
          <RegisteredFacts frame={frame} server={server} />
        </section>
        <Switch frame={frame} server={server} csrf={csrf} />
        <section class="card" aria-labelledby="more">
          <h2 id="more">Check or remove</h2>
          <p>A check asks the server what it is and how users connect. It changes nothing.</p>
          <div class="actions">
            <form method="post" action={serverPath(frame.base, server.id, 'check')} id="check-form">
              <CsrfField value={csrf} />
              <button type="submit" class="quiet">
                Check again
              </button>
            </form>
            <a class="button danger" href={serverPath(frame.base, server.id, 'remove')}>
              Remove
            </a>
          </div>
        </section>
      </>
    ),
  });
}

/** A server that is registered was added; it may have been paused or resumed once more. */
function agrees(done: Done, { paused }: RegisteredServer): boolean {
  switch (done) {
    case 'server-added':
      return true;
    case 'server-paused':
      return paused;
    case 'server-resumed':
      return !paused;
    case 'server-removed':
    case 'disconnected':
    case 'signed-out':
      return false;
    default:
      return done satisfies never;
  }
}

function Switch({ frame, server, csrf }: { frame: PageFrame; server: RegisteredServer; csrf: string }) {
  const { id, paused } = server;
  return (
    <section class={paused ? 'card attention' : 'card'} aria-labelledby="switch">
      <h2 id="switch">{paused ? 'This server is paused' : 'Pause'}</h2>
      <p>
        {paused
          ? 'Steps that call it wait, and go on when you resume it.'
          : 'Steps that call it wait until you resume it. Connections stay, and calls that have begun are finished.'}
      </p>
      <form
        method="post"
        action={serverPath(frame.base, id, paused ? 'resume' : 'pause')}
        id={paused ? 'resume-form' : 'pause-form'}
      >
        <CsrfField value={csrf} />
        <button type="submit" class={paused ? undefined : 'quiet'}>
          {paused ? 'Resume' : 'Pause'}
        </button>
      </form>
    </section>
  );
}
