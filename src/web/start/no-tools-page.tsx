import { type CameFrom, connectPath } from '../connect/own-page.ts';
import { NEED_BUTTONS } from '../connection-needs.ts';
import { explainNoTools, isConsent, type NoToolsReason, type Remedy } from '../no-tools-words.tsx';
import { CsrfField, type PageFrame } from '../page.tsx';
import { Notice, type NoticeKind } from '../parts/notice.tsx';
import { serverPath, startPath } from '../paths.ts';
import { serverName } from '../server-name.ts';
import { type ChosenServer, chosenPath, renderStage } from './stages.tsx';

/** A server that no step can be started at now. */
export interface NoToolsPage {
  server: ChosenServer;
  why: NoToolsReason;
  /** The id of the step that the form was to be filled in from. */
  again?: string | undefined;
  /** A form that was sent meanwhile. Sending it again loses nothing. */
  sent?: { csrf: string; fields: Readonly<Record<string, string>> };
}

/** Says why there are no tools, and what to do. */
export function noToolsPage(frame: PageFrame, page: NoToolsPage): string {
  const { server, why } = page;
  const { title, text, remedy } = explainNoTools(why);
  return renderStage(frame, {
    stage: 'tool',
    server: why.kind === 'unknown-server' ? undefined : server,
    title,
    children: (
      <>
        <h1>{title}</h1>
        <Notice kind={noticeKind(why.kind, remedy)} id="no-tools">
          <p>
            {text(<bdi key="name">{serverName(server)}</bdi>)}
            {why.kind === 'slow' && ' This page tries again until the list is there.'}
          </p>
        </Notice>
        <div class="actions">
          <RemedyButton frame={frame} page={page} remedy={remedy} />
          <OtherServer base={frame.base} remedy={remedy} />
        </div>
      </>
    ),
  });
}

function noticeKind(why: NoToolsPage['why']['kind'], remedy: Remedy): NoticeKind {
  if (why === 'slow') return 'info';
  return isConsent(remedy) ? 'warning' : 'problem';
}

interface RemedyProps {
  frame: PageFrame;
  page: NoToolsPage;
  remedy: Remedy;
}

function RemedyButton({ frame: { base, user }, page, remedy }: RemedyProps) {
  const { server } = page;
  switch (remedy) {
    case 'connect':
    case 'reconnect':
    case 'allow-more':
      return (
        <a class="button" href={connectPath(base, wayOf(page))}>
          {NEED_BUTTONS[remedy]}
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
    default:
      return remedy satisfies never;
  }
}

/** Back to the form that is to be filled in again, or else to the tools. */
function wayOf({ server, again }: NoToolsPage): CameFrom {
  const { id: mcpServerId, account } = server;
  return {
    mcpServerId,
    account,
    ...(again === undefined ? { from: 'start' } : { from: 'again', step: again }),
  };
}

function TryAgain({ base, page: { server, sent, again } }: { base: string; page: NoToolsPage }) {
  if (sent === undefined) {
    return (
      <a class="button" href={again === undefined ? chosenPath(base, server) : startPath(base, { again })}>
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

function OtherServer({ base, remedy }: { base: string; remedy: Remedy }) {
  const isOnlyWay = remedy === 'choose-server';
  return (
    <a class={isOnlyWay ? 'button' : 'button quiet'} href={startPath(base)}>
      Choose another server
    </a>
  );
}
