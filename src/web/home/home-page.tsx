import { connectionNeeds, lapsedConnections } from '../connection-needs.ts';
import { type PageFrame, renderPage } from '../page.tsx';
import { EmptyState } from '../parts/empty-state.tsx';
import { Notice } from '../parts/notice.tsx';
import { homePath } from '../paths.ts';
import { Begin } from './begin.tsx';
import { Filters } from './filters.tsx';
import { type NameOfServer, namesOfServers } from './names.tsx';
import { NeedList } from './need-list.tsx';
import { decisionNeeds } from './needs.ts';
import { type Home, isNarrowed, MAX_NEEDS } from './read-home.ts';
import { StepRows } from './step-rows.tsx';

/** Whether there is nothing that needs the user, and no step. */
export function isBlank({ filter, awaited, connections, page, undecided }: Home): boolean {
  const hasStep = page === undefined || page.steps.length > 0 || page.nextCursor !== undefined;
  if (hasStep || isNarrowed(filter) || undecided === undefined) return false;
  return awaited.length === 0 && lapsedConnections(awaited, connections).length === 0;
}

/** What needs the user now, and the user's steps. */
export function homePage(frame: PageFrame, home: Home): string {
  const nameOfServer = namesOfServers(home.servers);
  return renderPage({
    ...frame,
    title: 'Home',
    section: 'home',
    live: true,
    isWide: true,
    children: (
      <>
        <h1>Home</h1>
        {isBlank(home) ? (
          <Begin frame={frame} home={home} nameOfServer={nameOfServer} />
        ) : (
          <>
            <Needs frame={frame} home={home} nameOfServer={nameOfServer} />
            <Steps frame={frame} home={home} nameOfServer={nameOfServer} />
          </>
        )}
      </>
    ),
  });
}

interface PartProps {
  frame: PageFrame;
  home: Home;
  nameOfServer: NameOfServer;
}

function Needs({ frame, home, nameOfServer }: PartProps) {
  const { awaited, connections, undecided, filter } = home;
  // This list shows them itself.
  if (filter.status === 'awaiting-input' && filter.server === undefined) return null;
  const all = [...connectionNeeds(awaited, connections), ...decisionNeeds(undecided?.steps ?? [])];
  return (
    <NeedList
      frame={frame}
      nameOfServer={nameOfServer}
      needs={all.slice(0, MAX_NEEDS)}
      isCut={all.length > MAX_NEEDS || undecided?.isCut === true}
      isPartial={undecided?.isPartial === true}
      isKnown={undecided !== undefined}
      isFolded={isNarrowed(filter)}
      lapsed={lapsedConnections(awaited, connections)}
    />
  );
}

function Steps({ frame, home, nameOfServer }: PartProps) {
  const { page, filter, servers, isCursorInvalid } = home;
  return (
    <section aria-labelledby="steps">
      <h2 id="steps">Steps</h2>
      <Filters base={frame.base} filter={filter} servers={servers} nameOfServer={nameOfServer} />
      {isCursorInvalid && (
        <Notice kind="warning" id="cursor-notice">
          <p>The link to older steps does not work any more. These are the newest.</p>
        </Notice>
      )}
      {page === undefined ? (
        <Notice kind="problem" id="steps-notice">
          <p>Your steps can’t be shown at the moment. They are not lost: reload the page in a while.</p>
        </Notice>
      ) : (
        <>
          {page.steps.length === 0 ? (
            <NoSteps base={frame.base} home={home} />
          ) : (
            <StepRows
              frame={frame}
              steps={page.steps}
              nameOfServer={nameOfServer}
              known={home}
              pausedServers={new Set(servers.filter(({ paused }) => paused).map(({ id }) => id))}
            />
          )}
          <Pager base={frame.base} home={home} />
        </>
      )}
    </section>
  );
}

function NoSteps({ base, home: { filter, page } }: { base: string; home: Home }) {
  if (page?.nextCursor !== undefined) return <p>No step here. There may be older ones.</p>;
  if (!isNarrowed(filter)) return <p class="muted">No step yet.</p>;
  return (
    <EmptyState title="No step matches">
      <p class="actions">
        <a href={homePath(base)}>Show all steps</a>
      </p>
    </EmptyState>
  );
}

function Pager({ base, home: { filter, page, isCursorInvalid } }: { base: string; home: Home }) {
  const { status, server, cursor } = filter;
  const next = page?.nextCursor;
  const isOlder = cursor !== undefined && !isCursorInvalid;
  if (next === undefined && !isOlder) return null;
  return (
    <p class="actions">
      {isOlder && <a href={homePath(base, { status, server })}>Back to the newest</a>}
      {next !== undefined && (
        <a class="button quiet small" href={homePath(base, { status, server, cursor: next })}>
          Older steps
        </a>
      )}
    </p>
  );
}
