import type { ConnectSession, ListedConnection } from '../client/connections-api.ts';
import { formatTable, printable } from './table.ts';

const HEADING = ['server', 'account', 'label', 'status', 'reason', 'waiting steps'];

export function connectionsTable(connections: readonly ListedConnection[], isTty: boolean): string {
  if (connections.length === 0) return isTty ? 'No connections.\n' : '';
  return formatTable(HEADING, connections.map(rowOf), isTty);
}

function rowOf({ mcpServerId, account, label, status, reason, waitingSteps }: ListedConnection): string[] {
  return [mcpServerId, account, label ?? '', status, reason ?? '', String(waitingSteps)];
}

/** Names a connection in a sentence. */
export function nameOf({ mcpServerId, account }: { mcpServerId: string; account: string }): string {
  return account === 'default' ? mcpServerId : `${mcpServerId}, account ${account}`;
}

/** Says in one line how a connect session ended. */
export function outcomeText(session: ConnectSession): string {
  const { status, code, label } = session;
  switch (status) {
    case 'connected':
      return `Connected: ${nameOf(session)}${label === undefined ? '' : ` (${printable(label)})`}`;
    case 'denied':
      return 'Not connected: consent was refused.';
    case 'failed':
      return `Not connected: it failed${code === undefined ? '' : ` (${printable(code)})`}. The page in the browser says why.`;
    case 'expired':
      return 'Not connected: the link has expired. Run this again for a new one.';
    case 'open':
    case 'awaiting-confirmation':
      return 'Not connected yet.';
    default:
      return status satisfies never;
  }
}
