import type { AuditEntry } from '../../audit/read-audit.ts';
import type { PageFrame } from '../page.tsx';
import { Time } from '../parts/time.tsx';
import type { OperationsFilter } from '../paths.ts';
import { shortText } from '../short-text.ts';
import { FilterDay, FilterText } from './fields.tsx';
import type { OperationsContent } from './operations-page.tsx';

const MAX_NAME = 60;
const MAX_DETAILS = 200;

/** The audit log, the latest first. */
export function auditLog(
  frame: PageFrame,
  filter: OperationsFilter,
  entries: readonly AuditEntry[],
): OperationsContent {
  return {
    fields: <AuditFields filter={filter} />,
    rows: entries.map((entry) => <EntryRow key={entry.id} frame={frame} entry={entry} />),
  };
}

function AuditFields({ filter }: { filter: OperationsFilter }) {
  return (
    <>
      <FilterText name="userId" label="Done to user" filter={filter} />
      <FilterText name="actorUserId" label="Done by" filter={filter} />
      <FilterText name="mcpServerId" label="Server" filter={filter} />
      <FilterText name="action" label="Action" filter={filter} />
      <FilterDay name="since" label="Since" filter={filter} />
    </>
  );
}

function EntryRow({ frame: { reader }, entry }: { frame: PageFrame; entry: AuditEntry }) {
  return (
    <li id={`entry-${entry.id}`}>
      <div class="grow">
        <code>{entry.action}</code> by <bdi>{shortText(entry.actorUserId ?? 'the operator', MAX_NAME)}</bdi>
        <Subject entry={entry} />
      </div>
      <span class="meta">
        <Time reader={reader} at={entry.at} />
      </span>
    </li>
  );
}

function Subject({ entry: { userId, mcpServerId, account, stepId, details } }: { entry: AuditEntry }) {
  const parts = [
    userId !== undefined && `user ${userId}`,
    mcpServerId !== undefined && `server ${mcpServerId}`,
    account !== undefined && `account ${account}`,
    stepId !== undefined && `step ${stepId}`,
  ].filter((part) => part !== false);
  return (
    <>
      {parts.length > 0 && (
        <span class="meta" dir="auto">
          {parts.map((part) => shortText(part, MAX_NAME)).join(' · ')}
        </span>
      )}
      {Object.keys(details).length > 0 && (
        <code class="meta" dir="auto">
          {shortText(JSON.stringify(details), MAX_DETAILS)}
        </code>
      )}
    </>
  );
}
