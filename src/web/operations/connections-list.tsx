import { CONNECTION_REASONS } from '../../contracts/step.ts';
import type { UserConnection } from '../../credentials/all-connections.ts';
import { AccountName, elementId } from '../home/names.tsx';
import type { PageFrame } from '../page.tsx';
import { Time } from '../parts/time.tsx';
import type { OperationsFilter } from '../paths.ts';
import { shortText } from '../short-text.ts';
import { countOf } from '../step-words.ts';
import { FilterChoice, FilterDay, FilterText } from './fields.tsx';
import { operationsPage } from './operations-page.tsx';
import { CONNECTION_STATUS_WORDS } from './status-words.ts';

const MAX_NAME = 60;

interface ConnectionsOfAll {
  filter: OperationsFilter;
  connections: readonly UserConnection[];
  nextCursor?: string | undefined;
}

/** Lists the connections of all users, without what their accounts are called. */
export function allConnectionsPage(
  frame: PageFrame,
  { filter, connections, nextCursor }: ConnectionsOfAll,
): string {
  return operationsPage(frame, {
    list: 'connections',
    filter,
    nextCursor,
    fields: <ConnectionFields filter={filter} />,
    rows: connections.length === 0 ? undefined : <ConnectionList frame={frame} connections={connections} />,
  });
}

function ConnectionFields({ filter }: { filter: OperationsFilter }) {
  return (
    <>
      <FilterText name="userId" label="User" filter={filter} />
      <FilterText name="mcpServerId" label="Server" filter={filter} />
      <FilterChoice
        name="status"
        label="Status"
        filter={filter}
        choices={Object.entries(CONNECTION_STATUS_WORDS)}
      />
      <FilterChoice
        name="reason"
        label="Reason"
        filter={filter}
        choices={CONNECTION_REASONS.map((reason) => [reason, reason])}
      />
      <FilterDay name="since" label="In this status since" filter={filter} />
    </>
  );
}

interface ListProps {
  frame: PageFrame;
  connections: readonly UserConnection[];
}

function ConnectionList({ frame: { reader }, connections }: ListProps) {
  return (
    <ul class="rows">
      {connections.map(({ userId, mcpServerId, account, status, reason, waitingSteps, updatedAt }) => {
        const id = elementId('connection', userId, mcpServerId, account);
        return (
          <li key={id} id={id}>
            <div class="grow">
              <bdi>{shortText(userId, MAX_NAME)}</bdi> at <bdi>{shortText(mcpServerId, MAX_NAME)}</bdi>
              <AccountName account={account} />
              <span class="meta">
                updated <Time reader={reader} at={updatedAt} />
                {waitingSteps > 0 && ` · ${countOf(waitingSteps, 'step')} waiting`}
              </span>
            </div>
            {reason !== undefined && <code class="meta">{reason}</code>}
            <span class="status" data-state={status}>
              {CONNECTION_STATUS_WORDS[status]}
            </span>
          </li>
        );
      })}
    </ul>
  );
}
