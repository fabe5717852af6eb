import type { ComponentChildren } from 'preact';
import type { RegisteredCheck } from '../../connect/check-registered-server.ts';
import { splitScopes } from '../../contracts/scopes.ts';
import type { RegisteredServer, ServerAuth } from '../../servers/registered-server.ts';
import { CsrfField, type PageFrame, renderPage } from '../page.tsx';
import { Scopes } from '../parts/scopes.tsx';
import { Time } from '../parts/time.tsx';
import { serverPath, serversPath } from '../paths.ts';
import { formatBytes } from '../reader.ts';
import { CheckResult } from './check-result.tsx';
import { AUTH_WORDS, serverTitle } from './server-words.ts';
import { PausedBadge } from './servers-page.tsx';

export interface ServerPage {
  server: RegisteredServer;
  csrf: string;
  /** Absent: it was not checked now. */
  check?: RegisteredCheck | undefined;
}

/** What is registered of a server, without its secrets, and what an admin can do with it. */
export function serverPage(frame: PageFrame, { server, csrf, check }: ServerPage): string {
  const title = serverTitle(server);
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
        {check !== undefined && <CheckResult check={check} />}
        <section class="card" aria-labelledby="registered">
          <h2 id="registered">What is registered</h2>
          <Registered frame={frame} server={server} />
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

function Switch({ frame, server, csrf }: { frame: PageFrame; server: RegisteredServer; csrf: string }) {
  const { id, paused } = server;
  return (
    <section class={paused ? 'card attention' : 'card'} aria-labelledby="switch">
      <h2 id="switch">{paused ? 'This server is paused' : 'Pause'}</h2>
      <p>
        {paused
          ? 'Steps that call it wait, and go on when you resume it.'
          : 'Steps that call it wait until you resume it. Connections stay, and calls under way end.'}
      </p>
      <form method="post" action={serverPath(frame.base, id, paused ? 'resume' : 'pause')} id="switch-form">
        <CsrfField value={csrf} />
        <button type="submit" class={paused ? undefined : 'quiet'}>
          {paused ? 'Resume' : 'Pause'}
        </button>
      </form>
    </section>
  );
}

function Registered({ frame, server }: { frame: PageFrame; server: RegisteredServer }) {
  const { id, url, queryNames, auth, headerNames, trustAnnotations, maxResultBytes, createdAt, updatedAt } =
    server;
  const names = queryNames.filter((name) => name !== '');
  return (
    <dl>
      <Fact name="Id">
        <code dir="auto">{id}</code>
      </Fact>
      <Fact name="Address">
        {url}
        {queryNames.length > 0 && <p class="meta">{queryWords(names)}</p>}
      </Fact>
      <Fact name="Authorization">
        {AUTH_WORDS[auth.type]}
        {auth.type === 'bearer' && <p class="meta">The token is stored encrypted and never shown.</p>}
      </Fact>
      {auth.type === 'oauth2' && <OAuthRegistration auth={auth} />}
      {headerNames.length > 0 && (
        <Fact name="Headers">
          <code>{headerNames.join(', ')}</code>
          <p class="meta">Their values are stored encrypted and never shown.</p>
        </Fact>
      )}
      <Fact name="Annotations of tools">{trustAnnotations ? 'Trusted' : 'Not trusted'}</Fact>
      <Fact name="Largest result">{formatBytes(frame.reader, maxResultBytes)}</Fact>
      <Fact name="Added">
        <Time reader={frame.reader} at={createdAt} />
      </Fact>
      <Fact name="Changed">
        <Time reader={frame.reader} at={updatedAt} />
      </Fact>
    </dl>
  );
}

function queryWords(names: readonly string[]): string {
  return names.length === 0
    ? 'With a query, which is stored encrypted and never shown.'
    : `With a query (${names.join(', ')}), whose values are stored encrypted and never shown.`;
}

function OAuthRegistration({ auth }: { auth: Extract<ServerAuth, { type: 'oauth2' }> }) {
  const params = Object.keys(auth.authorizationParams ?? {});
  return (
    <>
      <Fact name="Client">
        {auth.clientId === undefined ? 'Latchkey’s own' : <code>{auth.clientId}</code>}
      </Fact>
      {auth.tokenEndpointAuthMethod !== undefined && (
        <Fact name="Authenticates by">
          <code>{auth.tokenEndpointAuthMethod}</code>
        </Fact>
      )}
      {auth.scopes !== undefined && auth.scopes !== '' && (
        <Fact name="Scopes">
          <Scopes scopes={splitScopes(auth.scopes)} id="scopes" />
        </Fact>
      )}
      {ADDRESSES.map(([name, member]) => {
        const address = auth[member];
        return address === undefined ? null : (
          <Fact key={member} name={name}>
            {withoutQuery(address)}
          </Fact>
        );
      })}
      {params.length > 0 && (
        <Fact name="Extra parameters">
          <code>{params.join(', ')}</code>
        </Fact>
      )}
      {auth.idleLimit !== undefined && <Fact name="Idle limit">{auth.idleLimit}</Fact>}
    </>
  );
}

const ADDRESSES = [
  ['Authorization server', 'authorizationServer'],
  ['Authorization endpoint', 'authorizationEndpoint'],
  ['Token endpoint', 'tokenEndpoint'],
  ['Revocation endpoint', 'revocationEndpoint'],
  ['Resource', 'resource'],
] as const;

function withoutQuery(address: string): string {
  return address.split('?', 1)[0] ?? '';
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}
