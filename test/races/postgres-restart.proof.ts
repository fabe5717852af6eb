import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, type TestContext, test, vi } from 'vitest';
import type { CredentialKey, CredentialVersions } from '../../src/contracts/activities.ts';
import { type Clock, systemClock } from '../../src/credentials/clock.ts';
import { createRenewal, type Renewal } from '../../src/credentials/refresh/renewal.ts';
import type { RenewalOutcome } from '../../src/credentials/refresh/renewal-outcome.ts';
import { createServices } from '../../src/process/services.ts';
import { listeningLogger } from '../credentials/credential-fixture.ts';
import { readRow, readTokens, readVersions } from '../credentials/credential-row.ts';
import { createDatabaseClock } from '../credentials/database-clock.ts';
import { isActive } from '../credentials/oidc-fixture.ts';
import { type OwnPostgres, startOwnPostgres } from '../integration/own-postgres.ts';
import { createWorld, type World, type WorldOptions } from '../support/world.ts';
import { connectExpired, eventsOf, refreshes } from './refresh-failures.ts';

// In real time: a lease is good for 15 s, and for 30 s after its start Postgres lets nobody take one over.
const LEASE_MS = 15_000;
const LIMIT = { timeout: 150_000 };

describe.concurrent('Postgres restarts while the tokens of a renewal are under way', () => {
  test.for([
    ['at once', 0],
    ['after longer than a lease', LEASE_MS + 2_000],
  ] as const)(
    '%s: the running process stores them, and each step calls once',
    LIMIT,
    async ([_when, awayMs], context) => {
      let failedWrites = 0;
      const logger = listeningLogger((event) => {
        if (event === 'writeback.retrying') failedWrites += 1;
      });
      const { world, postgres, contender, user, key, seen } = await scene(context, { logger });
      const rotated = hold(world, user);
      const steps = await Promise.all([world.steps.start(user), world.steps.start(user)]);
      await rotated.reached();
      const contending = contend(contender, key, seen);

      await postgres.stop();
      rotated.release();
      await vi.waitFor(() => expect(failedWrites).toBeGreaterThan(0), { timeout: 30_000 });
      await delay(awayMs);
      await postgres.start();

      for (const step of steps) {
        expect(await world.steps.result(step)).toMatchObject({ status: 'success' });
        expect(await eventsOf(world, user, step)).not.toContain('awaiting-input');
      }
      expect(await contending).toEqual(RENEWED);
      expect(world.mcpServer.calls({ user })).toHaveLength(steps.length);
      await expectAlive(world, key);
    },
  );

  test(
    'and the process with them is frozen past its lease: it gets time to store them',
    LIMIT,
    async (context) => {
      const { world, postgres, contender, user, key, seen } = await scene(context);
      const rotated = hold(world, user);
      const frozen = frozenRenewal(world).renew(key, seen);
      await rotated.reached();

      await postgres.stop();
      await postgres.start();
      const contending = contend(contender, key, seen);
      await untilSecondsAfterStart(world, 18);
      expect(await isLeaseOver(world, key)).toBe(true);
      rotated.release();

      expect(await frozen).toEqual(RENEWED);
      expect(await contending).toEqual(RENEWED);
      await expectAlive(world, key);
    },
  );

  test(
    'and the process with them gets no time to store them: the grant is lost (negative control)',
    LIMIT,
    async (context) => {
      const { world, postgres, contender, user, key, seen } = await scene(context);
      await createDatabaseClock(world.database.url);
      const rotated = hold(world, user);
      const frozen = frozenRenewal(world).renew(key, seen);
      await rotated.reached();

      await postgres.stop();
      await postgres.start();
      expect(await contend(contender, key, seen)).toMatchObject({ reason: 'refresh-outcome-lost' });
      rotated.release();
      await frozen;

      expect(refreshes(world, user)).toEqual({ succeeded: 1, failed: 1 });
      expect(await isAlive(world, key)).toBe(false);
    },
  );
});

const RENEWED = { kind: 'renewed', versions: { credentialVersion: 1, tokenVersion: 2 } };

interface Scene {
  world: World;
  postgres: OwnPostgres;
  /** Another process' renewal: pool and connections of its own. */
  contender: Renewal;
  /** Connected, with an access token that is due. */
  user: string;
  key: CredentialKey;
  seen: CredentialVersions;
}

async function scene({ onTestFinished }: TestContext, options: WorldOptions = {}): Promise<Scene> {
  const postgres = await startOwnPostgres();
  const world = await createWorld({ database: postgres.database, ...options });
  const another = createServices(world.config, world.temporal.client, world.services.logger);
  onTestFinished(async () => {
    await another.close();
    await world.stop();
  });
  const user = await connectExpired(world, world.authorizationServer.tokenEndpoint);
  const key = { userId: user, mcpServerId: world.mcpServerId };
  const seen = await readVersions(world.services.db, key);
  return { world, postgres, contender: another.renewal, user, key, seen };
}

/** The tokens are rotated, the answer is held back. */
function hold(world: World, accountId: string) {
  const { control } = world.authorizationServer;
  return control.interceptTokenRequests({ do: 'hold-after-processing' }, { accountId });
}

/** Of a process that is stopped (SIGSTOP, a suspended machine) until its answer is let go: it extends no lease. */
function frozenRenewal({ services }: World): Renewal {
  const clock: Clock = { ...systemClock, every: () => () => {} };
  return createRenewal({ ...services, clock, onRecovered: async () => {} });
}

/** Wants the token all the while, also while there is no database, until it is told something else than "later". */
async function contend(
  renewal: Renewal,
  key: CredentialKey,
  seen: CredentialVersions,
): Promise<RenewalOutcome> {
  for (;;) {
    const outcome = await renewal.renew(key, seen).catch(() => undefined);
    if (outcome === undefined) await delay(50);
    else if (outcome.kind !== 'busy') return outcome;
  }
}

async function untilSecondsAfterStart({ services }: World, seconds: number): Promise<void> {
  const sql = 'SELECT clock_timestamp() > pg_postmaster_start_time() + make_interval(secs => $1) AS is_past';
  const isPast = async () =>
    expect((await services.db.query(sql, [seconds])).rows).toEqual([{ is_past: true }]);
  await vi.waitFor(isPast, { timeout: 60_000, interval: 200 });
}

async function isLeaseOver({ services }: World, { userId }: CredentialKey): Promise<boolean | undefined> {
  const sql = 'SELECT lease_until < clock_timestamp() AS is_over FROM mcp_credential WHERE user_id = $1';
  const { rows } = await services.db.query<{ is_over: boolean }>(sql, [userId]);
  return rows[0]?.is_over;
}

async function isAlive({ services, authorizationServer }: World, key: CredentialKey): Promise<boolean> {
  const { accessToken } = await readTokens(services, key);
  return isActive(authorizationServer, accessToken ?? 'none');
}

/** One refresh was made, and what it gave is stored and good. */
async function expectAlive(world: World, key: CredentialKey): Promise<void> {
  expect(refreshes(world, key.userId)).toEqual({ succeeded: 1, failed: 0 });
  expect(await isAlive(world, key)).toBe(true);
  const stored = { status: 'connected', tokenVersion: 2, grantSeq: 1, storedSeq: 1, isLeased: false };
  expect(await readRow(world.services.db, key)).toMatchObject(stored);
}
