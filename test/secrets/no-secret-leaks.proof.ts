import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { AuditAction } from '../../src/audit/audit-log.ts';
import type { LatchkeyActivities } from '../../src/contracts/activities.ts';
import { disguises, newPlantedSecret } from './disguises.ts';
import { type SearchCoverage, searchCoverage } from './search-coverage.ts';
import type { RegisteredSecret } from './secret-registry.ts';
import { createSecretSearch } from './secret-search.ts';
import type { Evidence, Sink } from './sinks/sink.ts';
import { whilePlanting } from './sinks/temporal-plants.ts';
import { playStory } from './story.ts';
import { createStoryFixture, type StoryFixture } from './story-fixture.ts';

let fixture: StoryFixture;

beforeAll(async () => {
  fixture = await createStoryFixture();
});

afterAll(() => fixture.stop());

test('a run of all features leaves no secret anywhere except encrypted in the database', async () => {
  await playStory(fixture);
  // Lists are eventually consistent.
  await vi.waitFor(async () => expect(await countSteps()).toBe(fixture.api.startedSteps()), WAIT);

  const evidence = await collect(fixture.sinks);

  const leaks = findingsIn(evidence, fixture.registry.all()).filter((found) => !isMeant(found));
  expect(leaks.map(({ where, secret, form }) => `${where}: ${secret.name}, ${form}`)).toEqual([]);
  const played = searchCoverage(fixture, evidence);
  for (const [what, words] of Object.entries(EVERYTHING)) {
    expect(played, what).toMatchObject({ [what]: expect.arrayContaining(words) });
  }
}, 360_000);

test('every secret that is planted in a sink is found there in any encoding (negative control)', async () => {
  const planted: RegisteredSecret[] = [];
  const plant = async (place: string, leave: Sink['plants'][string]) => {
    const texts = Object.entries(disguises).map(([disguise, put]) => {
      const secret = newPlantedSecret();
      const name = `${place}, ${disguise}`;
      planted.push({ name, value: Buffer.from(secret), mayStandIn: [new RegExp(`^${place}`)] });
      return put(secret);
    });
    await leave(texts);
  };

  await whilePlanting(fixture.world.temporal, async () => {
    for (const { plants } of fixture.sinks) {
      for (const [place, leave] of Object.entries(plants)) await plant(place, leave);
    }
    await vi.waitFor(async () => {
      const found = findingsIn(await collect(fixture.sinks), planted).filter(isMeant);
      const names = new Set(found.map(({ secret }) => secret.name));
      expect(planted.map(({ name }) => name).filter((name) => !names.has(name))).toEqual([]);
    }, WAIT);
  });
}, 240_000);

/** What it takes for the search to mean something. */
const EVERYTHING: SearchCoverage = {
  workflows: [
    'deliverWebhook',
    'mcpStep',
    'reconcile',
    'renewIdleGrants',
    'resumeServer',
    'resumeSteps',
    'revokeGrant',
  ],
  activities: [
    'checkArguments',
    'deleteExpired',
    'deliverWebhook',
    'describeTool',
    'endServerResumption',
    'invokeTool',
    'listServersWithIdleGrants',
    'refreshToken',
    'registerWaiter',
    'removeWaiter',
    'renewIdleGrants',
    'revokeGrant',
    'signalStepsOfServer',
    'signalWaiters',
    'startLostWork',
  ] satisfies (keyof LatchkeyActivities)[],
  statuses: [200, 201, 202, 204, 400, 401, 403, 404, 409, 415, 421, 502, 503],
  spans: ['POST /steps', 'invokeTool', 'refreshToken', 'start mcpStep', 'tools/call'],
  webhooks: ['connection.connected', 'connection.reauth_required', 'step.awaiting_input', 'step.finished'],
  logged: [
    'grant.revoked',
    'idle-grants.renewed',
    'refresh.done',
    'refresh.failed',
    'refresh.started',
    'step.paused',
    'step.resumed',
    'webhook.failed',
  ],
  metrics: [
    'latchkey_call_seconds',
    'latchkey_calls_total',
    'latchkey_deposits_total',
    'latchkey_http_request_seconds',
    'latchkey_mcp_connections',
    'latchkey_renewal_seconds',
    'latchkey_renewals_total',
    'latchkey_resumptions_total',
    'latchkey_wait_seconds',
    'latchkey_waiting_steps',
  ],
  tables: [
    'latchkey_migration',
    'mcp_audit_event',
    'mcp_authorization',
    'mcp_client_registration',
    'mcp_connect_session',
    'mcp_connection_event',
    'mcp_credential',
    'mcp_fingerprint_key',
    'mcp_restoration',
    'mcp_server',
    'mcp_step_waiter',
    'mcp_stored_result',
    'mcp_version_floor',
  ],
  audited: [
    'approved',
    'cancelled',
    'connected',
    'decision-refused',
    'decision-requested',
    'decision-unanswered',
    'disconnected',
    'keys-rotated',
    'rejected',
    'repaired',
    'resolved',
    'server-paused',
    'server-registered',
    'server-removed',
    'server-resumed',
    'user-forgotten',
  ] satisfies AuditAction[],
  secrets: [
    'access-token',
    'authorization-code',
    'ciphertext',
    "client's secret",
    'code-verifier',
    'ENCRYPTION_KEYS',
    'JWT',
    'JWT_SECRET',
    'link to connect',
    'password of the database',
    'refresh-token',
    "registered client's secret",
    'webhook secret',
  ],
};
const WAIT = { timeout: 120_000, interval: 250 };

async function countSteps(): Promise<number> {
  return (await fixture.world.temporal.client.workflow.count("WorkflowType = 'mcpStep'")).count;
}

/** Everything that all of them hold. */
async function collect(sinks: readonly Sink[]): Promise<Evidence[]> {
  return (await Promise.all(sinks.map((sink) => sink.collect()))).flat();
}

interface Found {
  where: string;
  secret: RegisteredSecret;
  form: string;
}

function findingsIn(evidence: readonly Evidence[], secrets: readonly RegisteredSecret[]): Found[] {
  const search = createSecretSearch(secrets);
  return evidence.flatMap(({ where, content }) => search(content).map((finding) => ({ where, ...finding })));
}

function isMeant({ where, secret }: Found): boolean {
  return secret.mayStandIn.some((place) => place.test(where));
}
