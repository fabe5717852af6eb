import { createHash } from 'node:crypto';
import { DEFAULT_ACCOUNT } from '../../contracts/accounts.ts';
import type { RegisteredServer } from '../../servers/registered-server.ts';
import type { StepSummary } from '../../steps/step-summary.ts';
import { serverName } from '../server-name.ts';
import { shortText } from '../short-text.ts';
import { accountWords, stepName } from '../step-words.ts';

export type NameOfServer = (mcpServerId: string) => string;

const MAX_NAME = 60;
const MAX_TITLE = 100;

/** Returns what servers are called: their titles, or their ids. */
export function namesOfServers(servers: readonly RegisteredServer[]): NameOfServer {
  const names = new Map(servers.map((server) => [server.id, shortText(serverName(server), MAX_NAME)]));
  return (id) => names.get(id) ?? shortText(id, MAX_NAME);
}

/** What a step is called, cut to a line or two. */
export function StepName({ step }: { step: StepSummary }) {
  return <bdi>{shortText(stepName(step), MAX_TITLE)}</bdi>;
}

/** Follows the name of a server: which of the user's accounts, if it is not the default one. */
export function AccountName({ account, label }: { account: string; label?: string | undefined }) {
  if (account === DEFAULT_ACCOUNT && label === undefined) return null;
  return (
    <>
      {', '}
      <bdi>{shortText(accountWords({ account, label }), MAX_NAME)}</bdi>
    </>
  );
}

/** An `id` that a thing keeps from one rendering to the next. The names may hold any character and be long. */
export function elementId(kind: string, ...names: string[]): string {
  const hash = createHash('sha256').update(JSON.stringify(names)).digest('base64url');
  return `${kind}-${hash.slice(0, 12)}`;
}
