import type { ComponentChildren } from 'preact';
import { type PageFrame, renderPage } from '../page.tsx';
import { EmptyState } from '../parts/empty-state.tsx';
import { type OperationsFilter, type OperationsList, operationsPath } from '../paths.ts';

const TITLES: Readonly<Record<OperationsList, string>> = {
  steps: 'Steps of all users',
  connections: 'Connections of all users',
  audit: 'Audit log',
};

const TABS: readonly [OperationsList, string][] = [
  ['steps', 'Steps'],
  ['connections', 'Connections'],
  ['audit', 'Audit log'],
];

/** What the lists do not have in common. */
export interface OperationsContent {
  /** The fields of the form that narrows the list. */
  fields: ComponentChildren;
  /** The items of the list on this page. */
  rows: readonly ComponentChildren[];
}

export interface OperationsPage extends OperationsContent {
  list: OperationsList;
  filter: OperationsFilter;
  nextCursor: string | undefined;
}

/** A list over all users, for admins: what it shows, the form that narrows it, and the way to its next page. */
export function operationsPage(frame: PageFrame, page: OperationsPage): string {
  const { list, filter, fields, rows, nextCursor } = page;
  const { base } = frame;
  return renderPage({
    ...frame,
    title: TITLES[list],
    section: 'operations',
    isWide: true,
    children: (
      <>
        <h1>{TITLES[list]}</h1>
        <ul class="tabs" aria-label="Lists over all users">
          {TABS.map(([name, label]) => (
            <li key={name}>
              <a href={operationsPath(base, name)} aria-current={name === list ? 'true' : undefined}>
                {label}
              </a>
            </li>
          ))}
        </ul>
        <form class="narrow" method="get" action={operationsPath(base, list)}>
          {fields}
          <button type="submit" class="quiet">
            Show
          </button>
        </form>
        {rows.length > 0 ? (
          <ul class="rows">{rows}</ul>
        ) : (
          <Nothing base={base} list={list} hasMore={nextCursor !== undefined} />
        )}
        <p class="actions">
          {filter.cursor !== undefined && (
            <a href={operationsPath(base, list, { ...filter, cursor: undefined })}>Back to the first page</a>
          )}
          {nextCursor !== undefined && (
            <a
              class="button quiet small"
              href={operationsPath(base, list, { ...filter, cursor: nextCursor })}
            >
              Next page
            </a>
          )}
        </p>
      </>
    ),
  });
}

function Nothing({ base, list, hasMore }: { base: string; list: OperationsList; hasMore: boolean }) {
  if (hasMore) return <p>Nothing on this page matches. There may be more on the next one.</p>;
  return (
    <EmptyState title="Nothing matches">
      <p class="actions">
        <a href={operationsPath(base, list)}>Show all</a>
      </p>
    </EmptyState>
  );
}
