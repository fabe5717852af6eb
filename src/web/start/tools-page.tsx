import type { ToolDescription } from '../../contracts/step.ts';
import type { PageFrame } from '../page.tsx';
import { EmptyState } from '../parts/empty-state.tsx';
import { Field } from '../parts/field.tsx';
import { startPath } from '../paths.ts';
import { formatNumber } from '../reader.ts';
import { serverName } from '../server-name.ts';
import { shortText } from '../short-text.ts';
import { countOf } from '../step-words.ts';
import { type ChosenServer, chosenPath, renderStage } from './stages.tsx';
import { effectOf, searchTools, toolSummary, toolTitle } from './tool-words.ts';

/** A tool, and why no step can call it. */
export interface OfferedTool extends ToolDescription {
  problem?: 'only-as-task' | 'name-not-allowed' | undefined;
}

export interface ToolsPage {
  server: ChosenServer;
  tools: readonly OfferedTool[];
  search: string;
  /** The annotations of the tools count, because an admin trusts the server. */
  isTrusted: boolean;
}

const MAX_SHOWN = 50;
const MAX_NAME = 60;
/** Fewer tools are found without a search. */
const MIN_SEARCHED = 8;

/** The second stage: choose a tool of the server. */
export function toolsPage(frame: PageFrame, page: ToolsPage): string {
  const { server, tools, search } = page;
  return renderStage(frame, {
    stage: 'tool',
    server,
    title: 'Choose a tool',
    children: (
      <>
        <h1>Choose a tool</h1>
        {(tools.length > MIN_SEARCHED || search !== '') && <Search frame={frame} page={page} />}
        <Tools frame={frame} page={page} />
      </>
    ),
  });
}

function Search({ frame: { base }, page: { server, search } }: PageProps) {
  const hidden = new URL(chosenPath('http://latchkey.invalid', server)).searchParams;
  return (
    <form method="get" action={startPath(base)} class="search" id="search">
      {[...hidden].map(([name, value]) => (
        <input type="hidden" name={name} value={value} key={name} />
      ))}
      <Field name="q" label="Search the tools" required>
        {({ id, name }) => <input type="search" id={id} name={name} value={search} maxlength={200} />}
      </Field>
      <button type="submit" class="quiet">
        Search
      </button>
    </form>
  );
}

interface PageProps {
  frame: PageFrame;
  page: ToolsPage;
}

function Tools({ frame, page }: PageProps) {
  const { server, tools, search, isTrusted } = page;
  const found = searchTools(tools, search);
  if (found.length === 0) return <NoTool base={frame.base} page={page} />;
  return (
    <>
      <p class="muted">{shownWords(frame, found.length, search)}</p>
      <ul class="rows">
        {found.slice(0, MAX_SHOWN).map((tool) => (
          <Tool
            key={tool.name}
            tool={tool}
            effect={isTrusted ? effectOf(tool.annotations) : undefined}
            path={chosenPath(frame.base, server, tool.name)}
          />
        ))}
      </ul>
    </>
  );
}

function shownWords({ reader }: PageFrame, count: number, search: string): string {
  const all = countOf(formatNumber(reader, count), 'tool');
  const found = search === '' ? all : `${all} found`;
  return count > MAX_SHOWN
    ? `${found}. The first ${MAX_SHOWN} are shown: search to find others.`
    : `${found}.`;
}

function NoTool({ base, page: { server, search } }: { base: string; page: ToolsPage }) {
  if (search === '') {
    return (
      <EmptyState title="No tools">
        <p>
          <bdi>{serverName(server)}</bdi> offers you no tool at the moment.
        </p>
        <p class="actions">
          <a class="button quiet" href={startPath(base)}>
            Choose another server
          </a>
        </p>
      </EmptyState>
    );
  }
  return (
    <EmptyState title="No tool found">
      <p>No name or description has these words.</p>
      <p class="actions">
        <a class="button quiet" href={chosenPath(base, server)}>
          Show all tools
        </a>
      </p>
    </EmptyState>
  );
}

interface ToolProps {
  tool: OfferedTool;
  effect: ReturnType<typeof effectOf>;
  path: string;
}

function Tool({ tool, effect, path }: ToolProps) {
  const title = toolTitle(tool);
  return (
    <li data-tool={tool.name.slice(0, 255)}>
      <div class="grow">
        {tool.problem === undefined ? (
          <a href={path} dir="auto">
            {title}
          </a>
        ) : (
          <span dir="auto">{title}</span>
        )}
        {effect !== undefined && <Effect {...effect} />}
        <span class="meta" dir="auto">
          {tool.problem === undefined ? toolSummary(tool) : PROBLEMS[tool.problem]}
        </span>
      </div>
      {title !== tool.name && <code class="muted">{shortText(tool.name, MAX_NAME)}</code>}
    </li>
  );
}

const PROBLEMS: Readonly<Record<NonNullable<OfferedTool['problem']>, string>> = {
  'only-as-task': 'Can only be called as a task, which steps do not do.',
  'name-not-allowed':
    'Can’t be called: its name is longer than 255 characters, or has characters that are not allowed.',
};

/** What a call does. */
export function Effect({ words, isRisky }: { words: string; isRisky: boolean }) {
  return <span class={isRisky ? 'tag risky' : 'tag'}>{words}</span>;
}
