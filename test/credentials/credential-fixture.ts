import { randomBytes } from 'node:crypto';
import type { CredentialKey } from '../../src/contracts/activities.ts';
import { type Clock, systemClock } from '../../src/credentials/clock.ts';
import {
  depositCredential,
  type RequestedDepositOutcome,
} from '../../src/credentials/deposit/deposit-credential.ts';
import type { RenewalDependencies } from '../../src/credentials/refresh/refresh.ts';
import { createRenewal, type Renewal } from '../../src/credentials/refresh/renewal.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { createLogger, type Logger } from '../../src/logging/logger.ts';
import { createGuardedFetch } from '../../src/net/guarded-fetch.ts';
import type { GuardedFetch } from '../../src/net/network.ts';
import { parseOutboundUrl } from '../../src/net/outbound-url.ts';
import { createAuthorizationServerLookup } from '../../src/oauth/discovery.ts';
import { type Deposit, depositSchema } from '../../src/schemas/deposit.ts';
import { serverRegistrationSchema } from '../../src/schemas/server.ts';
import type { RegisteredServer } from '../../src/servers/registered-server.ts';
import { createServerStore, type ServerStore } from '../../src/servers/server-store.ts';
import { createKeyRing, type KeyRing, type RingKey } from '../../src/vault/key-ring.ts';
import { createVault, type Vault } from '../../src/vault/vault.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createDatabaseClock, type DatabaseClock } from './database-clock.ts';

/** A request that the code under test sent to the network. */
export interface OutboundRequest {
  url: string;
  body: URLSearchParams;
  authorization: string | null;
}

/** Credentials on a real database and a real network, without workers. */
export interface CredentialFixture {
  database: TestDatabase;
  databaseClock: DatabaseClock;
  pool: Pool;
  keys: RingKey[];
  keyRing: KeyRing;
  vault: Vault;
  servers: ServerStore;
  dependencies: RenewalDependencies;
  renewal: Renewal;
  /** Every request, the oldest first. */
  outbound: OutboundRequest[];
  /** The arguments of `onRecovered`. */
  recovered: (CredentialKey & { version: number })[];
  /** The arguments of `startResumption`. */
  resumptions: (CredentialKey & { version: number })[];
  /** Registers a server under a new id. Without `url`, its address is not in use. */
  register(registration?: object, id?: string): Promise<RegisteredServer>;
  /** A new user of that server. */
  newKey(server: RegisteredServer): CredentialKey;
  deposit(key: CredentialKey, deposit: Partial<Deposit>, ring?: KeyRing): Promise<RequestedDepositOutcome>;
  /** Simulates another process with its own pool, connections and running refreshes. Ends with the fixture. */
  anotherProcess(overrides?: Partial<RenewalDependencies>): { renewal: Renewal; pool: Pool };
  stop(): Promise<void>;
}

export const TOKEN_ENDPOINT = 'http://127.0.0.1:9/token';
const NOWHERE = 'http://127.0.0.1:9/mcp';

export async function createCredentialFixture(
  options: { clock?: Clock; keyId?: string } = {},
): Promise<CredentialFixture> {
  const database = await createTestDatabase();
  const databaseClock = await createDatabaseClock(database.url);
  const cleanUps: (() => Promise<void>)[] = [];
  const openPool = (size: number) => {
    const pool = createPool({ databaseUrl: database.url, size, onIdleError: () => {} });
    cleanUps.push(() => pool.end());
    return pool;
  };
  const outbound: OutboundRequest[] = [];
  const openNetwork = () => {
    const network = createGuardedFetch({ policy: 'development' });
    cleanUps.push(() => network.close(0));
    return recording(network.fetch, outbound);
  };
  const pool = openPool(10);
  const keys = [{ id: options.keyId ?? 'k1', bytes: randomBytes(32) }];
  const keyRing = createKeyRing(keys);
  const vault = createVault(keyRing);
  const guardedFetch = openNetwork();
  const recovered: CredentialFixture['recovered'] = [];
  const resumptions: CredentialFixture['resumptions'] = [];
  const dependencies: RenewalDependencies = {
    db: pool,
    vault,
    keyRing,
    guardedFetch,
    authorizationServers: createAuthorizationServerLookup(guardedFetch),
    clock: options.clock ?? systemClock,
    logger: createLogger({ level: 'silent' }),
    onRecovered: async (key, version) => void recovered.push({ ...key, version }),
  };
  const servers = createServerStore(pool, vault);
  return {
    database,
    databaseClock,
    pool,
    keys,
    keyRing,
    vault,
    servers,
    dependencies,
    renewal: createRenewal(dependencies),
    outbound,
    recovered,
    resumptions,
    async register(registration = {}, id = `server-${randomBytes(4).toString('hex')}`) {
      const complete = { url: NOWHERE, auth: { type: 'oauth2' }, ...registration };
      return (await servers.put(id, serverRegistrationSchema.parse(complete))).server;
    },
    newKey: ({ id }) => ({ userId: `user-${randomBytes(4).toString('hex')}`, mcpServerId: id }),
    deposit: ({ userId, ...of }, deposit, ring = keyRing) =>
      depositCredential(
        {
          pool,
          vault: createVault(ring),
          keyRing: ring,
          authorizationServers: dependencies.authorizationServers,
          refuseAddress: refuseUsersAddress,
          startResumption: async (key, version) => void resumptions.push({ ...key, version }),
        },
        userId,
        depositSchema.parse({ refreshToken: 'r1', tokenEndpoint: TOKEN_ENDPOINT, ...deposit, ...of }),
      ),
    anotherProcess(overrides = {}) {
      const own = openPool(5);
      const renewal = createRenewal({ ...dependencies, db: own, guardedFetch: openNetwork(), ...overrides });
      return { renewal, pool: own };
    },
    async stop() {
      await Promise.all(cleanUps.map((cleanUp) => cleanUp()));
      await database.drop();
    },
  };
}

function refuseUsersAddress(url: string): string | undefined {
  const parsed = parseOutboundUrl(url, { policy: 'development', addressFrom: 'user' });
  return parsed.kind === 'refused' ? `refused: ${parsed.code}` : undefined;
}

function recording(guardedFetch: GuardedFetch, outbound: OutboundRequest[]): GuardedFetch {
  return (url, init) => {
    outbound.push({
      url: String(url),
      body: new URLSearchParams(String(init.body ?? '')),
      authorization: new Headers(init.headers).get('authorization'),
    });
    return guardedFetch(url, init);
  };
}

/** A logger that reports the `event` of each line. */
export function listeningLogger(onEvent: (event: string) => void): Logger {
  const write = (line: string) => {
    const { event }: { event?: string } = JSON.parse(line);
    if (event !== undefined) onEvent(event);
  };
  return createLogger({ level: 'info', destination: { write } });
}
