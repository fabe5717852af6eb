import type { ComponentChildren } from 'preact';
import type { RegisteredCheck } from '../../connect/check-registered-server.ts';
import type { AuthorizationCheck, OAuthCheck } from '../../connect/check-server.ts';
import type { ClientSource } from '../../connect/clients/choose-client.ts';
import type { ServerDescription } from '../../mcp/http/server-description.ts';
import { Notice, type NoticeKind } from '../parts/notice.tsx';
import { Scopes } from '../parts/scopes.tsx';
import { unreachableText } from './unreachable-text.ts';

type McpCheck = Extract<RegisteredCheck, { kind: 'mcp' }>;

/** What a check of a server has found, and what is missing. */
export function CheckResult({ check, hasFocus = false }: { check: RegisteredCheck; hasFocus?: boolean }) {
  return (
    <section
      class="card"
      id="check"
      aria-labelledby="check-title"
      {...(hasFocus && { tabindex: -1, autofocus: true })}
    >
      <h2 id="check-title">What was found</h2>
      {check.kind === 'mcp' ? <Found check={check} /> : <Verdict kind="problem">{problemOf(check)}</Verdict>}
    </section>
  );
}

function Verdict({ kind, children }: { kind: NoticeKind; children: ComponentChildren }) {
  return (
    <Notice kind={kind}>
      <p>{children}</p>
    </Notice>
  );
}

function problemOf(check: Exclude<RegisteredCheck, McpCheck>): string {
  switch (check.kind) {
    case 'address-refused':
      return 'The network policy of this service (NETWORK_POLICY) does not allow this address, so nothing was sent. Its host may be a local or private one.';
    case 'unreachable':
      return `The server can’t be reached: ${unreachableText(check.cause)}`;
    case 'not-mcp':
      return `Something answers at this address (HTTP ${check.status}), but it does not speak MCP over Streamable HTTP. Check the path: it often ends with /mcp.`;
    case 'unreadable':
      return `The server was not asked: ${check.message}.`;
    default:
      return check satisfies never;
  }
}

function Found({ check }: { check: McpCheck }) {
  const { description, authorization } = check;
  return (
    <>
      <AuthorizationVerdict authorization={authorization} />
      <dl>
        <dt>Protocol</dt>
        <dd>
          {description === undefined
            ? 'MCP; the server tells more only with a token'
            : protocolOf(description)}
        </dd>
        {description?.name !== undefined && (
          <>
            <dt>Calls itself</dt>
            <dd dir="auto">{[description.name, description.version].filter(Boolean).join(' ')}</dd>
          </>
        )}
        <dt>Authorization</dt>
        <dd>{authorizationWords(authorization)}</dd>
        {authorization.kind === 'oauth' && <OAuthFacts oauth={authorization} />}
      </dl>
    </>
  );
}

function protocolOf({ protocolVersion }: ServerDescription): string {
  return `MCP ${protocolVersion}`;
}

function authorizationWords({ kind }: AuthorizationCheck): string {
  switch (kind) {
    case 'open':
      return 'None: it lists its tools to anyone';
    case 'token':
      return 'It wants a token. The registered one was not sent by this check';
    case 'oauth':
      return 'OAuth';
    case 'blocked':
      return 'It wants a token';
    default:
      return kind satisfies never;
  }
}

function AuthorizationVerdict({ authorization }: { authorization: AuthorizationCheck }) {
  switch (authorization.kind) {
    case 'open':
      return <Verdict kind="success">It answers, and needs no connection.</Verdict>;
    case 'token':
      return <Verdict kind="success">It answers.</Verdict>;
    case 'blocked':
      return (
        <Verdict kind="warning">
          It answers and wants a token, but users can’t connect like this: {authorization.message}. Enter what
          is missing, or give one token for all users.
        </Verdict>
      );
    case 'oauth':
      return <OAuthVerdict oauth={authorization} />;
    default:
      return authorization satisfies never;
  }
}

function OAuthVerdict({ oauth }: { oauth: OAuthCheck }) {
  if (oauth.client === undefined) {
    return (
      <Verdict kind="warning">
        It answers. One thing is missing: its authorization server registers no clients by itself. Register
        Latchkey there as a client, and enter the client id.
      </Verdict>
    );
  }
  if (oauth.isGuess) {
    return (
      <Verdict kind="warning">
        It answers and wants a token, but publishes no authorization server. Connecting would try the
        addresses of older servers (/authorize, /token, /register). Enter its endpoints if you know them, or
        give one token for all users.
      </Verdict>
    );
  }
  return <Verdict kind="success">It answers, and users can connect it.</Verdict>;
}

const CLIENT_WORDS: Readonly<Record<ClientSource, string>> = {
  operator: 'Uses the client id of the registration',
  document: 'Is known by its metadata document: nothing to do',
  registration: 'Registers itself when the first user connects: nothing to do',
};

function OAuthFacts({ oauth }: { oauth: OAuthCheck }) {
  const { issuer, client, redirectUri, scopes } = oauth;
  return (
    <>
      <dt>Authorization server</dt>
      <dd>{issuer}</dd>
      <dt>Latchkey there</dt>
      <dd>{client === undefined ? 'Needs a client id from the provider' : CLIENT_WORDS[client]}</dd>
      {(client === undefined || client === 'operator') && (
        <>
          <dt>Redirect URI to register</dt>
          <dd>
            <code>{redirectUri}</code>
          </dd>
        </>
      )}
      <dt>Scopes</dt>
      <dd>
        {scopes.length === 0 ? (
          'The authorization server decides'
        ) : (
          <Scopes scopes={scopes} id="check-scopes" />
        )}
      </dd>
    </>
  );
}
