import { CONNECTION_REASONS } from '../../contracts/step.ts';
import type { UserConnection } from '../../credentials/all-connections.ts';
import { AccountName, elementId } from '../home/names.tsx';
import type { PageFrame } from '../page.tsx';
import { Time } from '../parts/time.tsx';
import type { OperationsFilter } from '../paths.ts';
import { shortText } from '../short-text.ts';
import { countOf } from '../step-words.ts';
import { FilterChoice, FilterDay, FilterText } from './fields.tsx';
import type { OperationsContent } from './operations-page.tsx';
import { CONNECTION_STATUS_WORDS } from './status-words.ts';

const MAX_NAME = 60;

/** The connections of all users, without what their accounts are called. */
export function connectionsOfAll(
  frame: PageFrame,
  filter: OperationsFilter,
  connections: readonly UserConnection[],
): OperationsContent {
  return {
    fields: <ConnectionFields filter={filter} />,
    rows: connections.map((connection) => <ConnectionRow frame={frame} connection={connection} />),
  };
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

interface RowProps {
  frame: PageFrame;
  connection: UserConnection;
}

function ConnectionRow({ frame: { reader }, connection }: RowProps) {
  const { userId, mcpServerId, account, status, reason, waitingSteps, updatedAt } = connection;
  return (
    <li id={elementId('connection', userId, mcpServerId, account)}>
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
}
