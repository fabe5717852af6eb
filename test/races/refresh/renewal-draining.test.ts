import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Clock, systemClock } from '../../../src/credentials/clock.ts';
import { type CredentialFixture, createCredentialFixture } from '../../credentials/credential-fixture.ts';
import { readVersions } from '../../credentials/credential-row.ts';
import {
  cut,
  heldBack,
  inTurn,
  type ScriptedTokenEndpoint,
  startScriptedTokenEndpoint,
  tokens,
} from '../../credentials/refresh/scripted-token-endpoint.ts';

let stand: CredentialFixture;
let endpoint: ScriptedTokenEndpoint;

beforeAll(async () => {
  stand = await createCredentialFixture();
});

afterAll(() => stand.stop());

beforeEach(async (context) => {
  endpoint = await startScriptedTokenEndpoint();
  context.onTestFinished(endpoint.stop);
});

const DRAINING = { kind: 'unavailable', cause: 'draining' };
const RENEWED = { kind: 'renewed', versions: { credentialVersion: 1, tokenVersion: 2 } };

async function connect() {
  const key = stand.newKey(await stand.register());
  await stand.deposit(key, { tokenEndpoint: endpoint.url, clientId: 'c' });
  return { key, seen: await readVersions(stand.pool, key) };
}

test('a process that drains leaves a refresh to others, who need not wait for it', async () => {
  const { key, seen } = await connect();
  endpoint.answer(tokens());
  const { renewal } = stand.anotherProcess();
  await renewal.drain();

  expect(await renewal.renew(key, seen)).toEqual(DRAINING);

  expect(endpoint.seen).toEqual([]);
  expect(await stand.renewal.renew(key, seen)).toEqual(RENEWED);
});

test('a process that drains says what others have stored', async () => {
  const { key, seen } = await connect();
  endpoint.answer(tokens());
  const { renewal } = stand.anotherProcess();
  await renewal.drain();
  await stand.renewal.renew(key, seen);

  expect(await renewal.renew(key, seen)).toEqual(RENEWED);
});

/** A process that is told to drain while its first try is under way, of which it never learns the answer. */
async function cutWhileDraining(clock: Clock = systemClock) {
  const { key, seen } = await connect();
  const first = heldBack(cut());
  endpoint.answer(inTurn(first.reply, tokens()));
  const { renewal } = stand.anotherProcess({ clock });
  const renewing = renewal.renew(key, seen);
  await endpoint.arrived(1);
  const drained = renewal.drain();
  return { key, seen, first, renewing, drained };
}

test('a process that is told to drain in mid-refresh still tries again at once: a grace period is short', async () => {
  const { first, renewing, drained } = await cutWhileDraining();

  first.letGo();

  expect(await renewing).toEqual(RENEWED);
  await drained;
  expect(endpoint.seen).toHaveLength(2);
});

test('but not when it is so late that the answer might not be waited for: another tries', async () => {
  let lateMs = 0;
  const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + lateMs };
  const { key, seen, first, renewing, drained } = await cutWhileDraining(clock);
  lateMs = 20_000;

  first.letGo();

  expect(await renewing).toEqual(DRAINING);
  await drained;
  expect(endpoint.seen).toHaveLength(1);
  expect(await stand.renewal.renew(key, seen)).toEqual(RENEWED);
});

test('a process that is told to drain in mid-refresh stores the answer that comes', async () => {
  const { key, seen } = await connect();
  const first = heldBack(tokens());
  endpoint.answer(first.reply);
  const { renewal } = stand.anotherProcess();
  const renewing = renewal.renew(key, seen);
  await endpoint.arrived(1);
  const drained = renewal.drain();

  first.letGo();
  await drained;

  expect(await readVersions(stand.pool, key)).toEqual(RENEWED.versions);
  expect(await renewing).toEqual(RENEWED);
});
