import type { ComponentChildren } from 'preact';
import { type PageFrame, renderPage } from '../page.tsx';
import { Notice } from '../parts/notice.tsx';
import { connectionsPath } from '../paths.ts';

/** Why a link does not lead to a connection. */
export type LinkProblem =
  /** It was never made, or it is not complete. */
  | { kind: 'unknown' }
  | { kind: 'expired' }
  /** A finished consent has used it up. */
  | { kind: 'used' }
  /** The browser is signed in as somebody else. */
  | { kind: 'other-user'; signedInUserId: string }
  /** The page belongs to the browser that left for the authorization server, or to a user who has to sign in. */
  | { kind: 'other-browser' };

export function linkPage(frame: PageFrame, problem: LinkProblem): string {
  return explain(
    frame,
    'Not connected',
    <Notice kind="problem">
      <p dir="auto">{textOf(problem)}</p>
    </Notice>,
  );
}

function textOf(problem: LinkProblem): string {
  switch (problem.kind) {
    case 'unknown':
      return 'This link is not valid: it is not complete, or it was never given out. Go back to the app that sent you here and follow its link again.';
    case 'expired':
      return 'This link is too old: it works for 15 minutes. Go back to the app that sent you here and follow a new one.';
    case 'used':
      return 'This link has been used already. If you want to connect again, go back to the app that sent you here and follow a new one.';
    case 'other-user':
      return `This link is for another user. This browser is signed in as ${problem.signedInUserId}. Sign out here first if the link is yours.`;
    case 'other-browser':
      return 'This page belongs to another browser, or to a user who has to sign in here first. Opening it has changed nothing. Go back to the app that sent you here and follow its link again.';
    default:
      return problem satisfies never;
  }
}

/** For an answer of an authorization server that belongs to no authorization of this browser. */
export function unknownAnswerPage(frame: PageFrame): string {
  return explain(
    frame,
    'Not connected by this answer',
    <>
      <Notice kind="problem">
        <p>
          The address to which the authorization server sent you has been used already, is too old, or belongs
          to another browser. Opening it has changed nothing.
        </p>
      </Notice>
      <p>
        What you have connected is listed under{' '}
        {frame.user === undefined ? (
          'your connections'
        ) : (
          <a href={connectionsPath(frame.base)}>your connections</a>
        )}
        . If it is missing there, go back to the app that sent you here and follow its link again.
      </p>
    </>,
  );
}

/** Tells a user who can't connect here how to connect the server again. `step` is the step that waits for it. */
export function reconnectPage(
  frame: PageFrame,
  { mcpServerId, name, step }: { mcpServerId: string; name: string; step: string | undefined },
): string {
  const isWaiting = step !== undefined && step !== '';
  return explain(
    frame,
    `Connect ${name} again`,
    <>
      <p>
        {isWaiting ? 'Something that was being done for you has paused. It' : 'The app that sent you here'}{' '}
        needs your permission to use <strong>{name}</strong>: there is none yet, or it has ended.
      </p>
      <h2>What to do</h2>
      <ol>
        <li>Go back to the app that sent you here.</li>
        <li>
          Find its connections or integrations there, and connect <strong>{name}</strong> again.
        </li>
      </ol>
      <p>
        {isWaiting
          ? 'You do not need to start anything again. The paused work continues as soon as you have reconnected.'
          : 'Nothing else is needed.'}{' '}
        You can’t connect it on this page without a link of that app.
      </p>
      <h2>If that does not help</h2>
      <p>
        Tell the people who run that app: server <code>{mcpServerId}</code>
        {isWaiting && (
          <>
            , step <code>{step.slice(0, 128)}</code>
          </>
        )}
        .
      </p>
      <p>
        <small>
          For them: make a link with <code>POST /connect-sessions</code>, or deposit the credentials with{' '}
          <code>POST /mcp-oauth-credentials</code>. Every step that waits for them then continues.
        </small>
      </p>
    </>,
  );
}

export function brokenLinkPage(frame: PageFrame): string {
  return explain(
    frame,
    'Not connected',
    <>
      <Notice kind="problem">
        <p>This link is not complete: it does not say which server it is about, or says something twice.</p>
      </Notice>
      <h2>What to do</h2>
      <p>
        Go back to the app that sent you here and follow the link again. If that leads here too, tell the
        people who run that app.
      </p>
    </>,
  );
}

export function unknownServerPage(frame: PageFrame, mcpServerId: string): string {
  return explain(
    frame,
    'Not connected',
    <>
      <Notice kind="problem">
        <p>
          No server is known here as <code>{mcpServerId}</code>. It may have been removed, or the link is not
          complete.
        </p>
      </Notice>
      <h2>What to do</h2>
      <p>
        Go back to the app that sent you here and follow the link again. If that leads here too, tell the
        people who run that app which server this page names.
      </p>
      <p>
        <small>
          For them: register the server with <code>PUT /mcp-servers/:id</code>.
        </small>
      </p>
    </>,
  );
}

function explain(frame: PageFrame, title: string, children: ComponentChildren): string {
  return renderPage({
    ...frame,
    title,
    children: (
      <>
        <h1>{title}</h1>
        {children}
      </>
    ),
  });
}
