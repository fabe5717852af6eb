import { connectUrl } from '../../contracts/urls.ts';
import { connectionsPath, homePath, startPath, stepPath } from '../paths.ts';

/**
 * The pages of ours from which a user comes to connect, as `?from=` names them. `again`: the form that starts the step
 * in `?step=` once more. Without it, the user comes from the step, or from the connections.
 */
export const OWN_PAGES = ['home', 'start', 'again'] as const;

export type OwnPage = (typeof OWN_PAGES)[number];

/** What a connect page was opened with. */
export interface CameFrom {
  mcpServerId: string;
  account?: string | undefined;
  step?: string | undefined;
  from?: OwnPage | undefined;
}

/** The address that connects an account, and then offers the way back to this page. */
export function connectPath(base: string, { mcpServerId, account, step, from }: CameFrom): string {
  const url = connectUrl(base, mcpServerId, step, account);
  return from === undefined ? url : `${url}${url.includes('?') ? '&' : '?'}from=${from}`;
}

/** The page that the user came from. */
export function ownPagePath(base: string, { mcpServerId, account, step, from }: CameFrom): string {
  switch (from) {
    case 'home':
      return homePath(base);
    case 'start':
      return startPath(base, { server: mcpServerId, account });
    case 'again':
      return startPath(base, { again: step });
    case undefined:
      return step === undefined ? connectionsPath(base) : stepPath(base, step);
    default:
      return from satisfies never;
  }
}

/** What the link to a page of ours is called. */
export function ownPageLabel(base: string, path: string): string {
  if (path.startsWith(stepPath(base, ''))) return 'Go to the step';
  if (path.startsWith(startPath(base))) return 'Go on with the new step';
  return path.startsWith(connectionsPath(base)) ? 'Go to your connections' : 'Go to the home page';
}
