import type { ListedUserConnection, ListedUserStep } from '../client/admin-api.ts';
import { formatTable } from './table.ts';

export function userStepsTable(steps: readonly ListedUserStep[], isTty: boolean): string {
  if (steps.length === 0) return isTty ? 'No steps.\n' : '';
  const heading = ['user', 'step', 'server', 'account', 'tool', 'status', 'reason', 'started'];
  return formatTable(heading, steps.map(rowOfStep), isTty);
}

function rowOfStep({ error, awaitingInputReason, ...step }: ListedUserStep): string[] {
  const { userId, stepId, mcpServerId, account, tool, status, createdAt } = step;
  return [
    userId,
    stepId,
    mcpServerId,
    account,
    tool,
    status,
    error?.code ?? awaitingInputReason ?? '',
    createdAt,
  ];
}

export function userConnectionsTable(connections: readonly ListedUserConnection[], isTty: boolean): string {
  if (connections.length === 0) return isTty ? 'No connections.\n' : '';
  const heading = ['user', 'server', 'account', 'status', 'reason', 'waiting steps', 'updated'];
  return formatTable(heading, connections.map(rowOfConnection), isTty);
}

function rowOfConnection(connection: ListedUserConnection): string[] {
  const { userId, mcpServerId, account, status, reason = '', waitingSteps, updatedAt } = connection;
  return [userId, mcpServerId, account, status, reason, String(waitingSteps), updatedAt];
}
