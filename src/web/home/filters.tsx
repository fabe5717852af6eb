import { STEP_STATUSES } from '../../contracts/step.ts';
import type { RegisteredServer } from '../../servers/registered-server.ts';
import { homePath } from '../paths.ts';
import { STATUS_WORDS } from '../step-words.ts';
import type { NameOfServer } from './names.tsx';
import type { HomeFilter } from './read-home.ts';

interface FilterProps {
  base: string;
  filter: HomeFilter;
  servers: readonly RegisteredServer[];
  nameOfServer: NameOfServer;
}

/** Which steps are listed: links by status, and a form by server. Each keeps what the other chose. */
export function Filters({ base, filter, servers, nameOfServer }: FilterProps) {
  const ids = new Set(servers.map(({ id }) => id));
  // The steps of a server that is not registered any more can still be listed.
  if (filter.server !== undefined) ids.add(filter.server);
  return (
    <div class="filters">
      <StatusTabs base={base} filter={filter} />
      {ids.size > 1 && <ServerForm base={base} filter={filter} ids={[...ids]} nameOfServer={nameOfServer} />}
    </div>
  );
}

function StatusTabs({ base, filter: { status: current, server } }: { base: string; filter: HomeFilter }) {
  return (
    <ul class="tabs" aria-label="Status">
      {[undefined, ...STEP_STATUSES].map((status) => (
        <li key={status}>
          <a href={homePath(base, { status, server })} aria-current={status === current ? 'true' : undefined}>
            {status === undefined ? 'All' : STATUS_WORDS[status]}
          </a>
        </li>
      ))}
    </ul>
  );
}

interface ServerFormProps {
  base: string;
  filter: HomeFilter;
  ids: readonly string[];
  nameOfServer: NameOfServer;
}

function ServerForm({ base, filter: { status, server }, ids, nameOfServer }: ServerFormProps) {
  return (
    <form id="filter-by-server" method="get" action={homePath(base)}>
      {status !== undefined && <input type="hidden" name="status" value={status} />}
      <label for="server" class="visually-hidden">
        Server
      </label>
      <select id="server" name="server">
        <option value="">All servers</option>
        {ids.map((id) => (
          <option key={id} value={id} selected={id === server}>
            {nameOfServer(id)}
          </option>
        ))}
      </select>
      <button type="submit" class="quiet">
        Show
      </button>
    </form>
  );
}
