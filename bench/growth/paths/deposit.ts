import { randomUUID } from 'node:crypto';
import { credentialKey } from '../../../src/contracts/accounts.ts';
import { listConnections } from '../../../src/credentials/credential-store.ts';
import {
  type DepositDependencies,
  depositCredential,
} from '../../../src/credentials/deposit/deposit-credential.ts';
import {
  disconnectCredential,
  dropPendingRevocation,
  findPendingRevocation,
} from '../../../src/credentials/retirement/disconnect-credential.ts';
import type { AuthorizationServerLookup } from '../../../src/oauth/discovery.ts';
import { done, type HotContext, type HotPath } from './hot-path.ts';

const DEPOSIT = {
  mcpServerId: 'server-1',
  account: 'default',
  tokenEndpoint: 'https://auth.example/token',
  clientId: 'growth',
  accessToken: 'access',
  expiresIn: 3_600,
};

/** A first deposit, one of another grant, one that changes the label, one that steps wait for; then the disconnect. */
export const depositPath: HotPath = {
  name: 'deposit',
  operations(context) {
    const { pool } = context;
    const userId = `depositor-${randomUUID()}`;
    const key = credentialKey({ ...DEPOSIT, userId });
    const awaited = context.nextAwaited();
    const deps = depositDependencies(context);
    const deposit = (refreshToken: string, label = 'mine') =>
      stored(depositCredential(deps, userId, { ...DEPOSIT, refreshToken, label }));
    return [
      ['depositCredential', () => deposit('first')],
      ['depositCredential', () => deposit('second')],
      ['depositCredential', () => deposit('second', 'theirs')],
      [
        'depositCredential',
        () =>
          stored(depositCredential(deps, awaited.userId, { ...DEPOSIT, ...awaited, refreshToken: 'new' })),
      ],
      ['listConnections', () => listConnections(pool, userId)],
      ['disconnectCredential', () => done(disconnectCredential(pool, key))],
      [
        'revokePending',
        async () => dropPendingRevocation(pool, key, (await done(findPendingRevocation(pool, key))) ?? ''),
      ],
    ];
  },
};

function depositDependencies({ pool, vault, keyRing }: HotContext): DepositDependencies {
  return {
    pool,
    vault,
    keyRing,
    // The servers have no registered authorization server, so no deposit asks for its metadata.
    authorizationServers: {} as AuthorizationServerLookup,
    refuseAddress: () => undefined,
    startResumption: async () => {},
  };
}

async function stored(outcome: Promise<{ kind: string }>): Promise<void> {
  const { kind } = await outcome;
  if (kind !== 'stored') throw new Error(`a deposit was not stored: ${kind}`);
}
