/** The pause of a listing. It is like that of a step (../step/pauses.ts), for several connections at once. */
import { accountOf, credentialKey } from '../../contracts/accounts.ts';
import type { AwaitedConnectionView } from '../../contracts/step.ts';
import { serverNames } from '../../contracts/summaries.ts';
import { waitAtMost } from '../step/continue-as-new.ts';
import { pauseForScope, register } from '../step/pauses.ts';
import type { Pause } from '../step/recorded.ts';
import { removeWaiter } from '../step/step-activities.ts';
import type { AwaitedDeposit } from '../step/step-progress.ts';
import type { Listing } from './listing.ts';
import { type Lists, needsUser } from './read-lists.ts';

/** Deposits that the listing waits for, by the position of their servers. */
export type Awaited = Record<string, AwaitedDeposit>;

/**
 * Finds the servers that only the user can help with, and turns a server into a failure that asks for the same scopes
 * again after the user has consented to them.
 */
export function findAwaited({ progress }: Pick<Listing, 'progress'>, lists: Lists): Awaited {
  const awaited: Awaited = {};
  for (const [position, list] of lists) {
    if (!needsUser(list)) continue;
    if (list.kind === 'reauth-required') {
      const pause = { awaitingInputReason: 'needs-oauth-reauth', connectionReason: list.reason } as const;
      awaited[position] = { seen: list.seen, pause };
      continue;
    }
    const asked = { askedScopes: progress.askedScopes?.[position] ?? {} };
    const pause = pauseForScope(asked, list);
    if (pause === undefined) {
      lists.set(position, { kind: 'failed', failure: { kind: 'auth', code: 'forbidden' } });
      continue;
    }
    progress.askedScopes = { ...progress.askedScopes, [position]: asked.askedScopes };
    awaited[position] = { seen: list.seen, pause };
  }
  return awaited;
}

/**
 * Pauses until a deposit of each connection was signalled, or the deadline passes. A signal is a hint: the caller lists
 * all servers again. As a step does, the listing registers as a waiter first and reads the store then.
 */
export async function awaitConnections(listing: Listing, wanted: Awaited): Promise<void> {
  const { plan, record, progress } = listing;
  const awaited = { ...wanted };
  progress.awaited = awaited;
  progress.hasPaused = true;
  progress.deadline ??= Date.now() + plan.reauthMs;
  const links = await registerAll(listing, awaited);
  while (Object.keys(awaited).length > 0) {
    // All pauses share one deadline. A link that is shown after it would resume nothing.
    if (Date.now() < progress.deadline) show(listing, awaited, links);
    const isOver = () => isStale(listing) || hinted(listing, awaited).length > 0;
    const ms = progress.deadline - Date.now();
    const summary = `connections to ${serverNames(serversOf(listing, awaited))}`;
    if (!(await waitAtMost(listing, { ms, isOver, summary }))) {
      await removeWaiter();
      progress.timedOut = { ...progress.timedOut, ...linksOf(awaited, links) };
      break;
    }
    if (isStale(listing)) Object.assign(links, await registerAll(listing, awaited));
    for (const position of hinted(listing, awaited)) {
      delete awaited[position];
      noteConnected(listing, position);
    }
  }
  delete progress.awaited;
  if (record.awaits() !== undefined) record.resume();
}

type Links = Record<string, string>;

/** Registers a waiter for each, and drops those whose credential has changed meanwhile. */
async function registerAll({ plan, credentials }: Listing, awaited: Awaited): Promise<Links> {
  for (const credential of credentials) credential.markRegistered();
  const registered = await Promise.all(
    Object.entries(awaited).map(async ([position, deposit]): Promise<[string, string]> => {
      const server = plan.servers[Number(position)] ?? { mcpServerId: '' };
      const key = credentialKey({ ...server, userId: plan.userId });
      const { wait, connectUrl } = await register(key, plan.stepId, deposit);
      if (!wait) delete awaited[position];
      return [position, connectUrl];
    }),
  );
  return Object.fromEntries(registered);
}

function serversOf({ plan }: Listing, awaited: Awaited) {
  return plan.servers.filter((_, position) => awaited[position] !== undefined);
}

function isStale({ credentials }: Listing): boolean {
  return credentials.some((credential) => credential.registrationIsStale);
}

function hinted({ credentials }: Listing, awaited: Awaited): string[] {
  return Object.entries(awaited)
    .filter(([position, { seen }]) => credentials[Number(position)]?.hasNewerHint(seen.credentialVersion))
    .map(([position]) => position);
}

function noteConnected({ plan, record }: Listing, position: string): void {
  const server = plan.servers[Number(position)];
  if (server !== undefined) record.note('connected', { ...server });
}

function show({ plan, record }: Listing, awaited: Awaited, links: Links): void {
  const connections = Object.entries(awaited).map(([position, { pause }]): AwaitedConnectionView => {
    const server = plan.servers[Number(position)] ?? { mcpServerId: '' };
    const { mcpServerId } = server;
    return { mcpServerId, account: accountOf(server), ...pause, connectUrl: links[position] ?? '' };
  });
  const [first] = connections;
  if (first === undefined) return;
  const pause: Pause = { ...first, connections };
  // A new run continues the pause that it carries.
  const isShown = namesOf(record.view().connections) === namesOf(connections);
  if (record.awaits() === undefined || isShown) record.pause(pause);
  else record.changePause(pause);
}

function namesOf(connections: readonly AwaitedConnectionView[] = []): string {
  return JSON.stringify(connections.map(({ mcpServerId, account }) => [mcpServerId, account]));
}

function linksOf(awaited: Awaited, links: Links): Links {
  return Object.fromEntries(Object.keys(awaited).map((position) => [position, links[position] ?? '']));
}
