import type { ComponentChildren } from 'preact';
import { accountMember, DEFAULT_ACCOUNT } from '../../contracts/accounts.ts';
import { type PageFrame, renderPage } from '../page.tsx';
import { startPath } from '../paths.ts';
import { serverName } from '../server-name.ts';
import { accountWords } from '../step-words.ts';

/** The server and the account that a step is started at. */
export interface ChosenServer {
  id: string;
  title?: string | undefined;
  account: string;
  /** What the user calls the account. */
  label?: string | undefined;
  /** Its steps wait until an admin resumes it. */
  isPaused?: boolean;
}

/** The address at which a tool of the server is chosen; with `tool`, its arguments are entered. */
export function chosenPath(base: string, { id, account }: ChosenServer, tool?: string): string {
  return startPath(base, { server: id, ...accountMember(account), ...(tool !== undefined && { tool }) });
}

interface StagePage {
  stage: 'server' | 'tool' | 'arguments';
  server?: ChosenServer | undefined;
  title: string;
  children: ComponentChildren;
}

/** Renders a page on the way to a step: choose a server, choose a tool, enter the arguments. */
export function renderStage(frame: PageFrame, { stage, server, title, children }: StagePage): string {
  return renderPage({
    ...frame,
    title,
    section: 'start',
    children: (
      <>
        <Stages base={frame.base} stage={stage} server={server} />
        {children}
      </>
    ),
  });
}

interface StagesProps {
  base: string;
  stage: StagePage['stage'];
  server: ChosenServer | undefined;
}

function Stages({ base, stage, server }: StagesProps) {
  return (
    <ol class="stages" aria-label="Stages">
      <Stage isCurrent={stage === 'server'} path={startPath(base)}>
        {server === undefined ? 'Server' : placeName(server)}
      </Stage>
      <Stage isCurrent={stage === 'tool'} path={server && chosenPath(base, server)}>
        Tool
      </Stage>
      <Stage isCurrent={stage === 'arguments'}>Arguments</Stage>
    </ol>
  );
}

interface StageProps {
  isCurrent: boolean;
  /** Undefined: the stage can't be opened yet. */
  path?: string | undefined;
  children: ComponentChildren;
}

function Stage({ isCurrent, path, children }: StageProps) {
  return (
    <li aria-current={isCurrent ? 'step' : undefined}>
      <span class="stage" dir="auto">
        {isCurrent || path === undefined ? children : <a href={path}>{children}</a>}
      </span>
    </li>
  );
}

/** The server, and the account where it is not the only one that a user usually has. */
function placeName(server: ChosenServer): string {
  const isUsual = server.label === undefined && server.account === DEFAULT_ACCOUNT;
  return isUsual ? serverName(server) : `${serverName(server)} (${accountWords(server)})`;
}
