import type { ComponentChildren } from 'preact';
import { connectUrl } from '../../contracts/urls.ts';
import type { NoTools } from '../../tools/tool-finder.ts';
import { CONNECTION_REASON_WORDS } from '../connection-reasons.ts';
import { CsrfField, type PageFrame } from '../page.tsx';
import { Notice, type NoticeKind } from '../parts/notice.tsx';
import { serverPath, startPath } from '../paths.ts';
import { serverName } from '../server-name.ts';
import { type ChosenServer, chosenPath, renderStage } from './stages.tsx';

/** A server that no step can be started at now. */
export interface NoToolsPage {
  server: ChosenServer;
  why: NoTools | { kind: 'unknown-tool' };
  /** A form that was sent meanwhile. Sending it again loses nothing. */
  sent?: { csrf: string; fields: Readonly<Record<string, string>> };
}

/** Says why there are no tools, and what to do. */
export function noToolsPage(frame: PageFrame, page: NoToolsPage): string {
  const { server, why } = page;
  const { title, text, remedy } = explain(page.why);
  return renderStage(frame, {
    stage: 'tool',
    server: why.kind === 'unknown-server' ? undefined : server,
    title,
    children: (
      <>
        <h1>{title}</h1>
        <Notice kind={noticeKind(why.kind, remedy)} id="no-tools">
          <p>{text(<bdi key="name">{serverName(server)}</bdi>)}</p>
        </Notice>
        <div class="actions">
          <Remedy frame={frame} page={page} remedy={remedy} />
          <OtherServer base={frame.base} remedy={remedy} />
        </div>
      </>
    ),
  });
}

function noticeKind(why: NoToolsPage['why']['kind'], remedy: RemedyKind): NoticeKind {
  if (why === 'slow') return 'info';
  return remedy === 'connect' ? 'warning' : 'problem';
}

type RemedyKind = 'connect' | 'try-again' | 'see-server' | 'choose-server' | 'choose-tool';

interface Explanation {
  title: string;
  text: (server: ComponentChildren) => ComponentChildren;
  remedy: RemedyKind;
}

function explain(why: NoToolsPage['why']): Explanation {
  switch (why.kind) {
    case 'unknown-server':
      return {
        title: 'No such server',
        text: () => 'This server is not registered, or an admin has removed it.',
        remedy: 'choose-server',
      };
    case 'unknown-tool':
      return {
        title: 'No such tool',
        text: (server) => <>{server} has no tool of this name any more, or never had.</>,
        remedy: 'choose-tool',
      };
    case 'reauth-required':
      return {
        title: 'Connect first',
        text: (server) => (
          <>
            {server} shows its tools when you are connected. {reasonOf(why.reason)}
          </>
        ),
        remedy: 'connect',
      };
    case 'insufficient-scope':
      return {
        title: 'More access needed',
        text: (server) => <>{server} wants you to allow more before it shows its tools.</>,
        remedy: 'connect',
      };
    default:
      return explainOutage(why);
  }
}

function reasonOf(reason: Extract<NoTools, { kind: 'reauth-required' }>['reason']): string {
  return reason === 'not-connected' ? '' : CONNECTION_REASON_WORDS[reason];
}

type Outage = Exclude<NoTools, { kind: 'unknown-server' | 'reauth-required' | 'insufficient-scope' }>;

function explainOutage(why: Outage): Explanation {
  switch (why.kind) {
    case 'slow':
      return tryAgain('Still waiting', (server) => (
        <>{server} takes long to list its tools. This page tries again until the list is there.</>
      ));
    case 'busy':
      return tryAgain('Busy', () => 'Too many lists of tools are being read at once. Try again in a moment.');
    case 'unavailable':
      return tryAgain('The server does not answer', (server) => (
        <>{server} could not be reached, or did not answer in time. Try again in a moment.</>
      ));
    case 'token-endpoint-unavailable':
      return tryAgain('Your access can’t be renewed now', (server) => (
        <>The provider that signs you in to {server} does not answer. Try again in a moment.</>
      ));
    case 'failed':
      return explainFailure(why.code);
    case 'key-missing':
      return operatorOnly('A key is missing', () => (
        <>
          The key that your access is encrypted with is missing. The people who run this service have to add
          it.
        </>
      ));
    case 'misconfigured':
      return operatorOnly('The server is not set up', (server) => (
        <>
          Requests to {server} can’t be authorized as it is registered: {why.message}. An admin has to correct
          that.
        </>
      ));
  }
}

function explainFailure(code: Extract<NoTools, { kind: 'failed' }>['code']): Explanation {
  switch (code) {
    case 'forbidden':
      return operatorOnly('Not allowed', (server) => (
        <>{server} refuses to list its tools for this account. Its operator decides who may use it.</>
      ));
    case 'result-too-large':
      return operatorOnly('Too many tools', (server) => (
        <>The list of tools of {server} is larger than this server’s registration allows.</>
      ));
    default:
      return operatorOnly('The server’s answer can’t be read', (server) => (
        <>
          {server} answered, but not with a list of tools as MCP defines it. Its operator has to correct that.
        </>
      ));
  }
}

function tryAgain(title: string, text: Explanation['text']): Explanation {
  return { title, text, remedy: 'try-again' };
}

function operatorOnly(title: string, text: Explanation['text']): Explanation {
  return { title, text, remedy: 'see-server' };
}

interface RemedyProps {
  frame: PageFrame;
  page: NoToolsPage;
  remedy: RemedyKind;
}

function Remedy({ frame: { base, user }, page, remedy }: RemedyProps) {
  const { server } = page;
  switch (remedy) {
    case 'connect':
      return (
        <a class="button" href={connectUrl(base, server.id, undefined, server.account)}>
          Connect
        </a>
      );
    case 'choose-tool':
      return (
        <a class="button" href={chosenPath(base, server)}>
          Choose a tool
        </a>
      );
    case 'try-again':
      return <TryAgain base={base} page={page} />;
    case 'see-server':
      return user?.isAdmin ? (
        <a class="button" href={serverPath(base, server.id)}>
          See the server’s registration
        </a>
      ) : null;
    case 'choose-server':
      return null;
  }
}

function TryAgain({ base, page: { server, sent } }: { base: string; page: NoToolsPage }) {
  if (sent === undefined) {
    return (
      <a class="button" href={chosenPath(base, server)}>
        Try again
      </a>
    );
  }
  return (
    <form method="post" action={startPath(base)} id="start">
      <CsrfField value={sent.csrf} />
      {Object.entries(sent.fields).map(([name, value]) => (
        <input type="hidden" name={name} value={value} key={name} />
      ))}
      <button type="submit">Try again</button>
    </form>
  );
}

function OtherServer({ base, remedy }: { base: string; remedy: RemedyKind }) {
  const isOnlyWay = remedy === 'choose-server';
  return (
    <a class={isOnlyWay ? 'button' : 'button quiet'} href={startPath(base)}>
      Choose another server
    </a>
  );
}
