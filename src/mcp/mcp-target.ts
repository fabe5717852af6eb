import { accountMember } from '../contracts/accounts.ts';
import type { CredentialKey, CredentialVersions } from '../contracts/activities.ts';
import { present } from '../contracts/present.ts';
import type { RegisteredServer } from '../servers/registered-server.ts';
import type { McpTarget } from './port.ts';

type TokenOfTarget = Pick<
  McpTarget,
  'bearerToken' | 'tokenIsDue' | 'tokenJustRenewed' | 'tokenIsExpired' | 'tokenIsCurrent'
>;

/** What one user may call a registered server with. */
interface TargetAccess extends TokenOfTarget, Pick<McpTarget, 'url' | 'headers'> {
  server: RegisteredServer;
  versions: CredentialVersions;
}

/** Builds the target of one user's call. */
export function mcpTarget({ userId, account }: CredentialKey, access: TargetAccess): McpTarget {
  const { server, url, headers, versions } = access;
  return {
    mcpServerId: server.id,
    userId,
    ...accountMember(account),
    registrationVersion: server.registrationVersion,
    credentialVersion: versions.credentialVersion,
    url,
    headers,
    maxResultBytes: server.maxResultBytes,
    ...tokenOf(access),
  };
}

function tokenOf(access: TokenOfTarget): TokenOfTarget {
  const { bearerToken, tokenIsDue, tokenJustRenewed, tokenIsExpired, tokenIsCurrent } = access;
  return present({ bearerToken, tokenIsDue, tokenJustRenewed, tokenIsExpired, tokenIsCurrent });
}
