import type { ComponentChildren } from 'preact';
import { splitScopes } from '../../contracts/scopes.ts';
import type { RegisteredServer, ServerAuth } from '../../servers/registered-server.ts';
import type { PageFrame } from '../page.tsx';
import { Scopes } from '../parts/scopes.tsx';
import { Time } from '../parts/time.tsx';
import { formatBytes } from '../reader.ts';
import { AUTH_WORDS } from './server-words.ts';

/** What is registered of a server, without its secrets and without queries of addresses. */
export function RegisteredFacts({ frame, server }: { frame: PageFrame; server: RegisteredServer }) {
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
      {server.maxConcurrentCalls !== undefined && (
        <Fact name="Calls at once">{server.maxConcurrentCalls}</Fact>
      )}
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
