import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { CredentialKey } from '../../../src/contracts/activities.ts';
import type { Renewal } from '../../../src/credentials/refresh/renewal.ts';
import { renewIdleGrants } from '../../../src/credentials/retirement/renew-idle-grants.ts';
import type { RegisteredServer } from '../../../src/servers/registered-server.ts';
import { withoutLease } from '../../races/refresh/obstructed-db.ts';
import { listeningLogger } from '../credential-fixture.ts';
import { loseKeyOfGrant, patchRow, readRow, readVersions } from '../credential-row.ts';
import { createOidcFixture, type OidcFixture } from '../oidc-fixture.ts';
import {
  json,
  type ScriptedTokenEndpoint,
  startScriptedTokenEndpoint,
} from '../refresh/scripted-token-endpoint.ts';

const HOUR = 3_600;
const DAY = 24 * HOUR;
const NEVER = new AbortController().signal;
const RENEWED = { kind: 'renewed', versions: { credentialVersion: 1, tokenVersion: 2 } };
const ONE_RENEWED = { renewed: 1, reauthRequired: 0, postponed: 0 };
const NOTHING = { renewed: 0, reauthRequired: 0, postponed: 0 };

let fixture: OidcFixture;
let endpoint: ScriptedTokenEndpoint;
let server: RegisteredServer;

beforeAll(async () => {
  fixture = await createOidcFixture();
  endpoint = await startScriptedTokenEndpoint();
});

afterAll(async () => {
  await endpoint.stop();
  await fixture.stop();
});

beforeEach(async () => {
  server = await fixture.register({ auth: { type: 'oauth2', idleLimit: '30 days' } });
});

/** Connects a user at the real authorization server. */
const connect = () => fixture.connect(fixture.newKey(server));

/** Deposits a grant of the scripted token endpoint. */
async function deposit(): Promise<CredentialKey> {
  const key = fixture.newKey(server);
  await fixture.deposit(key, { tokenEndpoint: endpoint.url, clientId: 'c' });
  return key;
}

/** Advances the database's time so that every grant is due. */
const letTimePass = () => fixture.databaseClock.advance(23 * DAY);

const run = (renewal: Renewal = fixture.renewal, stop = NEVER) =>
  renewIdleGrants({ db: fixture.pool, renewal, logger: fixture.dependencies.logger }, server.id, stop);

describe('an idle grant', () => {
  test('is renewed once per period', async () => {
    const key = await connect();
    expect(await run()).toEqual(NOTHING);

    await letTimePass();
    expect(await run()).toEqual(ONE_RENEWED);
    expect(await run()).toEqual(NOTHING);

    expect(fixture.grants(key)).toEqual({ succeeded: 1, failed: 0 });
    expect(await fixture.isAlive(key)).toBe(true);
    expect(await readVersions(fixture.pool, key)).toEqual(RENEWED.versions);
    await letTimePass();
    expect(await run()).toEqual(ONE_RENEWED);
    expect(fixture.grants(key)).toEqual({ succeeded: 2, failed: 0 });
  });

  test('that a step has used meanwhile is not renewed', async () => {
    const key = await connect();
    await fixture.databaseClock.advance(14 * DAY);
    await fixture.renew(key);
    await fixture.databaseClock.advance(14 * DAY);

    expect(await run()).toEqual(NOTHING);

    expect(fixture.grants(key)).toEqual({ succeeded: 1, failed: 0 });
  });

  test('that is renewed after it was found to be due is not renewed again', async () => {
    const key = await connect();
    await letTimePass();
    const overtaken: Renewal = {
      ...fixture.renewal,
      async renew(idle, seen) {
        await fixture.renew(key);
        return fixture.renewal.renew(idle, seen);
      },
    };

    expect(await run(overtaken)).toEqual(ONE_RENEWED);

    expect(fixture.grants(key)).toEqual({ succeeded: 1, failed: 0 });
  });

  test('that the server has forgotten asks its user once', async () => {
    const key = await connect();
    await letTimePass();
    fixture.authorizationServer.control.revokeGrants(key.userId);

    expect(await run()).toEqual({ renewed: 0, reauthRequired: 1, postponed: 0 });

    expect(await readRow(fixture.pool, key)).toMatchObject({
      status: 'reauth-required',
      reason: 'invalid-grant',
    });
    await letTimePass();
    expect(await run()).toEqual(NOTHING);
  });

  test('with an unknown refusal does not hold up others and asks its user after the third time', async () => {
    const refused = await Promise.all(Array.from({ length: 4 }, deposit));
    await connect();
    await letTimePass();
    endpoint.answer(json(403, { message: 'no' }));

    expect(await run()).toEqual({ renewed: 1, reauthRequired: 0, postponed: 4 });
    await fixture.databaseClock.advance(6 * HOUR);
    expect(await run()).toEqual({ renewed: 0, reauthRequired: 0, postponed: 4 });
    await fixture.databaseClock.advance(6 * HOUR);
    expect(await run()).toEqual({ renewed: 0, reauthRequired: 4, postponed: 0 });

    for (const key of refused) {
      expect(await readRow(fixture.pool, key)).toMatchObject({ reason: 'refresh-refused' });
    }
  });

  test('whose key is missing is kept, and renewed when the key is back', async () => {
    const key = await connect();
    await letTimePass();
    const jwe = await loseKeyOfGrant(fixture.pool, key);

    expect(await run()).toEqual({ renewed: 0, reauthRequired: 0, postponed: 1 });

    expect(await readRow(fixture.pool, key)).toMatchObject({ status: 'connected' });
    await patchRow(fixture.pool, key, `grant_jwe = '${jwe}'`);
    await fixture.databaseClock.advance(6 * HOUR);
    expect(await run()).toEqual(ONE_RENEWED);
  });
});

describe('together with the refresh of a step', () => {
  test('an idle grant is sent once: the step is first', async () => {
    const key = await connect();
    await letTimePass();
    const held = hold(key);
    const step = fixture.renew(key, fixture.anotherProcess().renewal);
    await held.reached();

    expect(await run()).toEqual({ renewed: 0, reauthRequired: 0, postponed: 1 });

    held.release();
    expect(await step).toEqual(RENEWED);
    expect(fixture.grants(key)).toEqual({ succeeded: 1, failed: 0 });
    expect(await run()).toEqual(NOTHING);
  });

  test('an idle grant is sent once: the step comes second', async () => {
    const key = await connect();
    await letTimePass();
    const held = hold(key);
    const running = run(fixture.anotherProcess().renewal);
    await held.reached();
    const seen = await readVersions(fixture.pool, key);
    const step = fixture.renewal.renew(key, seen);

    held.release();

    expect(await running).toEqual(ONE_RENEWED);
    expect(await step).toEqual(RENEWED);
    expect(fixture.grants(key)).toEqual({ succeeded: 1, failed: 0 });
    expect(await fixture.isAlive(key)).toBe(true);
  });

  test('without the lease, the grant is lost (negative control)', async () => {
    const key = await connect();
    await letTimePass();
    const [first, second] = [hold(key), hold(key)];
    const careless = () => fixture.anotherProcess({ db: withoutLease(fixture.pool) }).renewal;
    const running = run(careless());
    await first.reached();
    const step = fixture.renew(key, careless());
    await second.reached();

    // One after the other, because oidc-provider does not notice reuse at the same moment.
    first.release();
    await expect.poll(() => fixture.grants(key).succeeded, { timeout: 20_000 }).toBe(1);
    second.release();
    await Promise.all([running, step]);

    expect(fixture.grants(key).failed).toBe(1);
    expect(await fixture.isAlive(key)).toBe(false);
  });
});

function hold({ userId: accountId }: CredentialKey) {
  return fixture.authorizationServer.control.interceptTokenRequests(
    { do: 'hold-before-processing' },
    { accountId },
  );
}

describe('an authorization server', () => {
  test('that is away is left alone after a few tries, and its grants are renewed when it is back', async () => {
    const keys = await Promise.all(Array.from({ length: 20 }, deposit));
    await letTimePass();
    endpoint.answer(json(503, {}));
    const before = endpoint.seen.length;

    expect(await run()).toEqual({ renewed: 0, reauthRequired: 0, postponed: 8 });

    // Of eight users, at most three tries each: it may have been a lost answer.
    expect(endpoint.seen.length - before).toBeLessThanOrEqual(24);
    const statuses = await Promise.all(keys.map((key) => readRow(fixture.pool, key)));
    expect(new Set(statuses.map(({ status }) => status))).toEqual(new Set(['connected']));
    endpoint.answer(json(200, { access_token: 'a', token_type: 'bearer' }));
    expect(await run()).toEqual({ renewed: 12, reauthRequired: 0, postponed: 0 });
    await fixture.databaseClock.advance(6 * HOUR);
    expect(await run()).toEqual({ renewed: 8, reauthRequired: 0, postponed: 0 });
  });

  test.each([
    [429, {}],
    [503, { 'retry-after': '120' }],
  ])('that answers %i and %o gets nothing more in this run', async (status, headers) => {
    await Promise.all(Array.from({ length: 20 }, deposit));
    await letTimePass();
    endpoint.answer((response) => response.writeHead(status, headers).end());
    const before = endpoint.seen.length;

    expect(await run()).toEqual({ renewed: 0, reauthRequired: 0, postponed: 4 });

    expect(endpoint.seen.length - before).toBe(4);
  });

  test("that refuses the operator's client is left alone after a few tries", async () => {
    await Promise.all(Array.from({ length: 20 }, deposit));
    await letTimePass();
    endpoint.answer(json(400, { error: 'invalid_request' }));
    const before = endpoint.seen.length;

    expect(await run()).toEqual({ renewed: 0, reauthRequired: 0, postponed: 8 });

    expect(endpoint.seen.length - before).toBe(8);
    endpoint.answer(json(200, { access_token: 'a', token_type: 'bearer' }));
    expect(await run()).toEqual({ renewed: 12, reauthRequired: 0, postponed: 0 });
  });

  test('whose grants need a key that this worker lacks is left to another worker after a few tries', async () => {
    const keys = await Promise.all(Array.from({ length: 20 }, deposit));
    for (const key of keys) await loseKeyOfGrant(fixture.pool, key);
    await letTimePass();

    expect(await run()).toEqual({ renewed: 0, reauthRequired: 0, postponed: 8 });
  });

  test('gets four requests at a time at most', async () => {
    await Promise.all(Array.from({ length: 12 }, deposit));
    await letTimePass();
    const answers: (() => void)[] = [];
    let most = 0;
    endpoint.answer((response, request) => {
      answers.push(() => json(200, { access_token: 'a', token_type: 'bearer' })(response, request));
      most = Math.max(most, answers.length);
    });
    const running = run();
    for (let round = 0; round < 3; round++) {
      await expect.poll(() => answers.length, { timeout: 20_000 }).toBe(4);
      for (const answer of answers.splice(0)) answer();
    }

    expect(await running).toEqual({ renewed: 12, reauthRequired: 0, postponed: 0 });
    expect(most).toBe(4);
  });
});

test('grants that can never be renewed do not hold up the others', async () => {
  const dead = await Promise.all(Array.from({ length: 8 }, deposit));
  await fixture.databaseClock.advance(2 * DAY);
  const good = await connect();
  endpoint.answer(json(500, {}));
  await letTimePass();
  expect(await run()).toEqual({ renewed: 0, reauthRequired: 0, postponed: 8 });
  await fixture.databaseClock.advance(6 * HOUR);

  const renewals = await run();

  expect(renewals).toEqual({ renewed: 1, reauthRequired: 0, postponed: 8 });
  expect(fixture.grants(good)).toEqual({ succeeded: 1, failed: 0 });
  for (const key of dead) expect(await readRow(fixture.pool, key)).toMatchObject({ status: 'connected' });
});

test('a renewal that fails for no known reason does not end the run', async () => {
  const keys = await Promise.all([connect(), connect()]);
  await letTimePass();
  const broken: Renewal = {
    ...fixture.renewal,
    async renew(key, seen) {
      if (key.userId === keys[0]?.userId) throw new Error('a bug');
      return fixture.renewal.renew(key, seen);
    },
  };

  expect(await run(broken)).toEqual({ renewed: 1, reauthRequired: 0, postponed: 1 });
});

test('a stopped run begins nothing new', async () => {
  const key = await connect();
  await letTimePass();

  expect(await run(fixture.renewal, AbortSignal.abort())).toEqual(NOTHING);

  expect(fixture.grants(key)).toEqual({ succeeded: 0, failed: 0 });
});

test('a process that is told to drain takes no more grants: the next run renews them', async () => {
  const keys = await Promise.all(Array.from({ length: 6 }, connect));
  await letTimePass();
  const { renewal } = fixture.anotherProcess();
  const draining: Renewal = {
    ...renewal,
    async renew(key, seen) {
      const outcome = await renewal.renew(key, seen);
      void renewal.drain();
      return outcome;
    },
  };

  const { renewed, postponed } = await run(draining);

  // Four at a time.
  expect(renewed + postponed).toBe(4);
  expect(await run()).toEqual({ renewed: 2, reauthRequired: 0, postponed: 0 });
  const requests = keys.map((key) => fixture.grants(key));
  expect(requests.filter(({ succeeded }) => succeeded === 1)).toHaveLength(renewed + 2);
});

test('a run logs how many grants had which outcome', async () => {
  await connect();
  await letTimePass();
  const events: string[] = [];
  const logger = listeningLogger((event) => events.push(event));

  await renewIdleGrants({ db: fixture.pool, renewal: fixture.renewal, logger }, server.id, NEVER);

  expect(events).toEqual(['idle-grants.renewed']);
});
