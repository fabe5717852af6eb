import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Clock, systemClock } from '../../../src/credentials/clock.ts';
import { readRenewAfter, readVersions } from '../../credentials/credential-row.ts';
import { createOidcFixture, type OidcFixture } from '../../credentials/oidc-fixture.ts';

// Whole processes with such clocks: test/races/worker-clocks.proof.ts. Clocks that jump: takeover.test.ts.

const TEN_MINUTES_MS = 600_000;

let fixture: OidcFixture;

beforeAll(async () => {
  fixture = await createOidcFixture();
});

afterAll(() => fixture.stop());

function processWithClock(aheadMs: number) {
  const clock: Clock = {
    ...systemClock,
    wallMs: () => systemClock.wallMs() + aheadMs,
    monotonicMs: () => systemClock.monotonicMs() + aheadMs,
  };
  return fixture.anotherProcess({ clock });
}

test.each([-TEN_MINUTES_MS, TEN_MINUTES_MS])(
  'a process whose clock is %i ms off renews and stores the due time by the clock of the database',
  async (aheadMs) => {
    const key = await fixture.connect();

    expect(await fixture.renew(key, processWithClock(aheadMs).renewal)).toMatchObject({ kind: 'renewed' });

    expect(Math.abs(((await readRenewAfter(fixture.pool, key)) ?? Number.NaN) - 3_540)).toBeLessThan(30);
  },
);

test('processes whose clocks are 20 minutes apart respect each other’s leases', async () => {
  const key = await fixture.connect();
  const seen = await readVersions(fixture.pool, key);
  const held = fixture.authorizationServer.control.interceptTokenRequests(
    { do: 'hold-before-processing' },
    { accountId: key.userId },
  );
  const holder = processWithClock(-TEN_MINUTES_MS).renewal.renew(key, seen);
  await held.reached();

  const others = [processWithClock(TEN_MINUTES_MS), processWithClock(0), processWithClock(-TEN_MINUTES_MS)];
  const outcomes = await Promise.all(others.map(({ renewal }) => renewal.renew(key, seen)));
  held.release();

  expect(outcomes).toEqual(Array(3).fill({ kind: 'busy' }));
  expect(await holder).toMatchObject({ kind: 'renewed' });
  expect(fixture.grants(key)).toEqual({ succeeded: 1, failed: 0 });
});
