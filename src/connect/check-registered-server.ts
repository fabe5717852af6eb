import { addressOf, type RegisteredServer } from '../servers/registered-server.ts';
import { readServerSecrets } from '../servers/server-secrets.ts';
import { type CheckDependencies, checkServer, type ServerCheck } from './check-server.ts';
import type { ConnectDependencies } from './dependencies.ts';

export type RegisteredCheck =
  | ServerCheck
  /** The registration's own secrets can't be read, so the server was not asked. */
  | { kind: 'unreadable'; message: string };

/** Checks a registered server with its own query and headers. Its registered token is not sent. */
export async function checkRegisteredServer(
  deps: CheckDependencies & Pick<ConnectDependencies, 'db' | 'vault'>,
  server: RegisteredServer,
): Promise<RegisteredCheck> {
  const opened = (await readServerSecrets(deps.db, deps.vault, server.id)) ?? REMOVED;
  switch (opened.kind) {
    case 'undecryptable':
      return { kind: 'unreadable', message: opened.message };
    case 'key-missing':
      return { kind: 'unreadable', message: `encryption key ${opened.kid} is not configured` };
    case 'opened': {
      const { headers = {} } = opened.secrets;
      return checkServer(deps, { url: addressOf(server, opened.secrets), headers, auth: server.auth });
    }
    default:
      return opened satisfies never;
  }
}

const REMOVED = { kind: 'undecryptable', message: 'the MCP server is not registered any more' } as const;
