import type { AwaitingInputReason, ConnectionReason } from '../contracts/step.ts';
import type { ConnectionSummary } from '../credentials/credential-store.ts';
import type { KnownConnections } from '../credentials/known-connections.ts';
import type { AwaitedConnection } from '../credentials/waiters/awaited-connections.ts';

/** An account of the user at a server. */
export interface NamedAccount {
  mcpServerId: string;
  account: string;
  label?: string | undefined;
}

/** A connection that steps wait for. */
export type ConnectionNeed = NamedAccount & AwaitedConnection & ConnectionLack;

type ConnectionLack =
  | { kind: 'connect' | 'allow-more' }
  /** `reason` is absent if a step was refused, and the stored connection does not show it. */
  | { kind: 'reconnect'; reason?: ConnectionReason };

/** The state of a connection that steps wait for. */
export const NEED_WORDS = {
  connect: 'Not connected',
  reconnect: 'Needs you to reconnect',
  'allow-more': 'Needs more access',
} as const satisfies Record<ConnectionNeed['kind'], string>;

export const NEED_BUTTONS = {
  connect: 'Connect',
  reconnect: 'Reconnect',
  'allow-more': 'Allow more access',
} as const satisfies Record<ConnectionNeed['kind'], string>;

/** A connection that has to be made again, though no step waits for it. */
export interface LapsedConnection extends NamedAccount {
  reason: ConnectionReason;
}

/** Returns what connections need the user, in the order in which steps began to wait for them. */
export function connectionNeeds(
  awaited: readonly AwaitedConnection[],
  connections: readonly ConnectionSummary[],
): ConnectionNeed[] {
  return awaited.map((one) => {
    const connection = connections.find((other) => isSame(one, other));
    return { ...one, label: connection?.label, ...lackOf(one, connection) };
  });
}

function lackOf(
  { requiredScopes }: AwaitedConnection,
  connection: ConnectionSummary | undefined,
): ConnectionLack {
  if (connection === undefined) return { kind: 'connect' };
  const { state } = connection;
  if (state.status === 'reauth-required') return { kind: 'reconnect', reason: state.reason };
  return requiredScopes.length > 0 ? { kind: 'allow-more' } : { kind: 'reconnect' };
}

export function lapsedConnections(
  awaited: readonly AwaitedConnection[],
  connections: readonly ConnectionSummary[],
): LapsedConnection[] {
  return connections
    .filter((connection) => !awaited.some((one) => isSame(one, connection)))
    .flatMap(({ mcpServerId, account, label, state }) =>
      state.status === 'reauth-required' ? [{ mcpServerId, account, label, reason: state.reason }] : [],
    );
}

/**
 * Whether a paused step that needed a connection is about to go on: its account is connected by now, and no step waits
 * for it any more. Its status changes as soon as a worker has told it.
 */
export function isAboutToGoOn(
  step: NamedAccount & { awaitingInputReason?: AwaitingInputReason | undefined },
  { connections, awaited }: KnownConnections,
): boolean {
  const reason = step.awaitingInputReason;
  if (reason !== 'needs-oauth-reauth' && reason !== 'needs-oauth-scope') return false;
  const isConnected = connections.some((one) => isSame(one, step) && one.state.status === 'connected');
  return isConnected && !awaited.some((one) => isSame(one, step));
}

function isSame(one: NamedAccount, other: NamedAccount): boolean {
  return one.mcpServerId === other.mcpServerId && one.account === other.account;
}
