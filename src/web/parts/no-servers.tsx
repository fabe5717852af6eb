import type { PageFrame } from '../page.tsx';
import { newServerPath } from '../paths.ts';
import { EmptyState } from './empty-state.tsx';

/** Shown where servers would be listed, and none is registered. */
export function NoServers({ frame: { base, user } }: { frame: PageFrame }) {
  return (
    <EmptyState title="No server yet">
      {user?.isAdmin ? (
        <>
          <p>Add the address of an MCP server. Latchkey checks it and finds out how users connect.</p>
          <p class="actions">
            <a class="button" href={newServerPath(base)}>
              Add a server
            </a>
          </p>
        </>
      ) : (
        <p>The people who run this service add servers. Ask them.</p>
      )}
    </EmptyState>
  );
}
