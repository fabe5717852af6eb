import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { Client, Connection } from '@temporalio/client';
import type { WorkflowInfo } from '@temporalio/workflow';
import { afterAll, expect, vi } from 'vitest';
import { freePort } from '../../src/dev/embedded/free-port.ts';
import { createAvailability } from '../../src/logging/availability.ts';
import { createLogger } from '../../src/logging/logger.ts';
import { reportTo } from '../../src/process/egress-proxy.ts';
import { stepSchema } from '../../src/schemas/http-step.ts';
import { createTemporalLogger } from '../../src/temporal/temporal-logger.ts';
import { createStepSinks } from '../../src/webhooks/step-sinks.ts';
import { loseKeyOfGrant, patchRow } from '../credentials/credential-row.ts';
import { serveConnectProxy } from '../net/connect-proxy.ts';
import { during, guarded } from '../net/guarded-fetch-fixture.ts';
import { serveHttp } from '../net/loopback-server.ts';
import { asAdmin } from '../support/database-template.ts';
import { testInWorld } from '../support/fixtures.ts';
import { storedSecrets } from '../support/stored-secrets.ts';
import type { World } from '../support/world.ts';
import { startWebhookReceiver, status, type TestReceiver } from '../tool-calls/webhook-receiver.ts';
import { documentedEvents, documentedValues } from './documented-events.ts';

const EVENTS = documentedEvents();

type Line = Record<string, unknown>;

const WEBHOOK_SECRET = `whsec_${randomBytes(32).toString('base64')}`;
const SECRET_ARGUMENT = 'argument-that-is-nobody-elses-business';
const REFUSING_TRIGGER = `
  CREATE FUNCTION refuse_tokens() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'refused: %', NEW.grant_jwe; END $$;
  CREATE TRIGGER refuse_tokens BEFORE UPDATE OF token_version ON mcp_credential
    FOR EACH ROW EXECUTE FUNCTION refuse_tokens()`;

const texts: string[] = [];
let receiver: TestReceiver;
const test = testInWorld(async () => {
  receiver = await startWebhookReceiver([WEBHOOK_SECRET]);
  const destination = { write: (text: string) => void texts.push(text) };
  return {
    confidentialClient: true,
    webhooks: { url: receiver.url, secrets: [WEBHOOK_SECRET] },
    logger: createLogger({ level: 'trace', destination }),
  };
});

afterAll(async () => {
  await receiver.close();
});

const allEvents = (): Line[] => texts.map((text) => JSON.parse(text)).filter((line: Line) => line.event);
const linesOf = (userId: string): Line[] => allEvents().filter((line: Line) => line.userId === userId);
const eventsOf = (userId: string) => linesOf(userId).map(({ event }) => event);

test('every event has its documented fields, and no line at any level holds a secret', async ({ world }) => {
  const secrets = new Set([SECRET_ARGUMENT, WEBHOOK_SECRET]);
  const keepSecrets = async () => {
    for (const secret of await storedSecrets(world.services)) secrets.add(secret);
  };
  await refusedByTheDatabase(world);
  await takenOver(world);
  await withdrawn(world, keepSecrets);
  await approved(world);
  await echoed(world, secrets);
  await withoutKey(world);
  await unused(world);
  await refusedClient(world);
  await disconnected(world, keepSecrets);
  await disconnectedElsewhere(world, keepSecrets);
  await withoutTemporal(world);
  await serverAway(world);
  await throughEgressProxies(world);
  await databaseRestarted(world);
  await temporalAway(world);
  await refusedByTheReceiver(world);
  await keepSecrets();

  const lines = allEvents();
  expect(new Set(lines.map(({ event }) => event))).toEqual(new Set(EVENTS.keys()));
  for (const line of lines) {
    const documented = EVENTS.get(String(line.event));
    expect(line).toMatchObject({ level: documented?.level, msg: line.event });
    const names = Object.keys(line).filter((name) => !documented?.perhaps.includes(name));
    expect(names.sort()).toEqual(documented?.always);
  }
  expect(secrets.size).toBeGreaterThan(10);
  expect([...secrets].filter((secret) => texts.some((text) => text.includes(secret)))).toEqual([]);
});

test('the documented reasons are the reasons of the API', () => {
  const { awaitingInputReason, connectionReason } = stepSchema.shape;

  expect(documentedValues('reason').sort()).toEqual([...awaitingInputReason.unwrap().options].sort());
  expect(documentedValues('connectionReason').sort()).toEqual([...connectionReason.unwrap().options].sort());
});

test('a secret that gets into the log is found there (negative control)', async ({ world }) => {
  const user = world.users.newUser();
  await world.users.connect(user);
  const [secret = ''] = await storedSecrets(world.services);

  world.services.logger.info({ note: `it is ${secret}` }, 'a slip');

  expect(secret).not.toBe('');
  expect(texts.some((text) => text.includes(secret))).toBe(true);
});

/** The proxy refuses one server, then Latchkey itself, and then serves. */
async function throughEgressProxies(world: World): Promise<void> {
  const target = await during(serveHttp((_request, response) => response.end()));
  const report = reportTo(world.services.logger);
  for (const options of [{ refuseWith: 403 }, { refuseWith: 407 }, {}]) {
    const { settings } = await serveConnectProxy(options);
    const { fetch } = guarded({ egressProxy: { ...settings, report } });
    await fetch(target.url, { addressFrom: 'admin' }).catch((error: unknown) => {
      expect(error).toMatchObject({ code: 'proxy-failed' });
    });
  }
}

/** The first renewal finds the database unwilling for a while. */
async function refusedByTheDatabase(world: World): Promise<void> {
  const user = await connectedAndExpired(world);
  await admin(world, REFUSING_TRIGGER);
  const step = await world.steps.start(user);
  await vi.waitFor(() => expect(eventsOf(user)).toContain('writeback.retrying'), { timeout: 20_000 });
  await admin(world, 'DROP TRIGGER refuse_tokens ON mcp_credential');
  await world.steps.result(step);
  const retries = linesOf(user).filter(({ event }) => event === 'writeback.retrying');
  expect(retries.map(({ attempt }) => attempt)).toEqual(retries.map((_, index) => index + 1));
  expect(eventsOf(user)).toEqual(['refresh.started', ...retries.map(({ event }) => event), 'refresh.done']);
  expect(linesOf(user).at(-1)).toMatchObject({ grantSeq: 1, credentialVersion: 1, tokenVersion: 2 });
  expect(linesOf(user).at(-1)?.ms).toBeGreaterThanOrEqual(100); // the first pause
}

/** A process died between its intent and its write-back. */
async function takenOver(world: World): Promise<void> {
  const user = await connectedAndExpired(world);
  await patchRow(world.services.db, keyOf(world, user), 'grant_seq = grant_seq + 1');
  await world.steps.result(await world.steps.start(user));
  expect(eventsOf(user)).toEqual(['refresh.taken-over', 'refresh.started', 'refresh.done']);
}

async function withdrawn(world: World, keepSecrets: () => Promise<void>): Promise<void> {
  const user = world.users.newUser();
  await world.users.connect(user);
  await keepSecrets();
  world.authorizationServer.control.revokeGrants(user);
  const step = await world.steps.start(user);
  await world.steps.until(user, step.stepId, 'awaiting-input');
  await world.users.connect(user);
  await world.steps.result(step);
  expect(eventsOf(user)).toEqual(['refresh.started', 'refresh.failed', 'step.paused', 'step.resumed']);
  const about = { stepId: step.stepId, workflowId: step.workflowId, mcpServerId: world.mcpServerId };
  const pause = { ...about, reason: 'needs-oauth-reauth', connectionReason: 'invalid-grant' };
  expect(linesOf(user).slice(1)).toMatchObject([
    { cause: 'invalid_grant' },
    pause,
    { ...pause, waitedMs: expect.any(Number) },
  ]);
}

async function approved(world: World): Promise<void> {
  const user = world.users.newUser();
  await world.users.connect(user);
  const step = await world.steps.start(user, {
    mode: 'automated-with-confirmation',
    arguments: { customer: SECRET_ARGUMENT, amount: 1 },
  });
  await world.steps.until(user, step.stepId, 'awaiting-input');
  await world.temporal.client.workflow.getHandle(step.workflowId).executeUpdate('approve');
  await world.steps.result(step);
  expect(linesOf(user)).toMatchObject([
    { event: 'step.paused', reason: 'needs-approval' },
    { event: 'step.resumed', reason: 'needs-approval' },
  ]);
}

/** An authorization server that repeats what it was sent in the place of an error code. */
async function echoed(world: World, secrets: Set<string>): Promise<void> {
  const user = world.users.newUser();
  const deposit = await world.users.consent(user);
  await world.users.deposit(user, deposit);
  world.authorizationServer.control.expireAccessTokens(user);
  const { refreshToken } = deposit;
  secrets.add(refreshToken);
  world.authorizationServer.control.interceptTokenRequests(
    { do: 'answer-before-processing', status: 400, body: { error: refreshToken } },
    { accountId: user },
  );
  const step = await world.steps.start(user);
  await vi.waitFor(() => expect(eventsOf(user).slice(0, 2)).toEqual(['refresh.started', 'refresh.failed']), {
    timeout: 20_000,
  });
  // It would ask again in 20 s.
  await world.steps.cancel(user, step.stepId);
  expect(linesOf(user)[1]).toMatchObject({ cause: 'oauth-error' });
}

/** Nothing is sent, since only the operator can help. */
async function withoutKey(world: World): Promise<void> {
  const user = await connectedAndExpired(world);
  const jwe = await loseKeyOfGrant(world.services.db, keyOf(world, user));
  const step = await world.steps.start(user);
  const failed = { event: 'refresh.failed', cause: 'key-missing', detail: expect.stringContaining('gone') };
  await vi.waitFor(() => expect(linesOf(user)[0]).toMatchObject(failed), { timeout: 20_000 });
  // The key might be on its way: the step waits for it.
  await world.steps.cancel(user, step.stepId);
  await patchRow(world.services.db, keyOf(world, user), `grant_jwe = '${jwe}'`);
}

/** A grant that nobody has used for almost as long as its authorization server remembers it. */
async function unused(world: World): Promise<void> {
  const mcpServerId = 'idle';
  const auth = { type: 'oauth2', idleLimit: '30 days' };
  await world.register(mcpServerId, { url: world.mcpServer.url, auth });
  const user = world.users.newUser();
  await world.users.connect(user, { mcpServerId });
  await patchRow(
    world.services.db,
    { userId: user, mcpServerId },
    "grant_used_at = now() - interval '29 days'",
  );
  const { workflow } = world.temporal.client;
  await workflow.execute('renewIdleGrants', {
    taskQueue: world.config.taskQueue,
    workflowId: `idle-${user}`,
  });
  const renewed = { event: 'idle-grants.renewed', mcpServerId, renewed: 1, reauthRequired: 0, postponed: 0 };
  expect(allEvents().filter(({ event }) => event === 'idle-grants.renewed')).toMatchObject([renewed]);
}

/** The authorization server does not know the operator's client, whatever users and steps there are. */
async function refusedClient(world: World): Promise<void> {
  const mcpServerId = 'operated';
  const { issuer: authorizationServer } = world.authorizationServer;
  const client = { clientId: 'nobody', clientSecret: 'the-operators-secret', authorizationServer };
  await world.register(mcpServerId, { url: world.mcpServer.url, auth: { type: 'oauth2', ...client } });
  const user = world.users.newUser();
  const { clientId: _, clientSecret: __, ...grant } = await world.users.consent(user, { mcpServerId });
  await world.users.deposit(user, { ...grant, expiresIn: 0 });
  const step = await world.steps.start(user, { mcpServerId });
  const refused = { event: 'waiting-for-operator', mcpServerId, cause: 'invalid_client' };
  const lines = () => allEvents().filter(({ event }) => event === 'waiting-for-operator');
  await vi.waitFor(() => expect(lines()).toMatchObject([refused]), { timeout: 20_000 });
  await world.steps.cancel(user, step.stepId);
}

async function disconnected(world: World, keepSecrets: () => Promise<void>): Promise<void> {
  const user = world.users.newUser();
  const { version } = await world.users.connect(user);
  await keepSecrets();
  await world.users.disconnect(user);
  await world.services.workflows.startRevocation(keyOf(world, user), version + 1);
  const revoked = { event: 'grant.revoked', outcome: 'revoked' };
  await vi.waitFor(() => expect(linesOf(user)).toMatchObject([revoked]), { timeout: 20_000 });
}

/** The grant's token endpoint is not the authorization server's, which therefore does not get the token. */
async function disconnectedElsewhere(world: World, keepSecrets: () => Promise<void>): Promise<void> {
  const user = world.users.newUser();
  const grant = await world.users.consent(user);
  const { version } = await world.users.deposit(user, {
    ...grant,
    tokenEndpoint: 'http://127.0.0.1:9/token',
  });
  await keepSecrets();
  await world.users.disconnect(user);
  await world.services.workflows.startRevocation(keyOf(world, user), version + 1);
  const refused = { event: 'grant.not-revoked', outcome: 'refused' };
  await vi.waitFor(() => expect(linesOf(user)).toMatchObject([refused]), { timeout: 20_000 });
}

/** A step has something to tell while Temporal is away. */
async function withoutTemporal(world: World): Promise<void> {
  const connection = Connection.lazy({ address: '127.0.0.1:9', interceptors: [] });
  const { logger } = world.services;
  const sinks = createStepSinks({ client: new Client({ connection }), taskQueue: 'none', logger }, true);
  const data = {
    userId: 'u',
    stepId: 's',
    workflowId: 'w',
    mcpServerId: 'ledger',
    account: 'default',
    status: 'success',
  } as const;
  const change = { sequence: 1, at: new Date().toISOString(), data };
  // The cast: of all that the SDK knows of a workflow, the sink looks at the run's id.
  await sinks.webhooks.stepChanged.fn({ runId: 'a-run' } as WorkflowInfo, change);
  const lost = { event: 'webhook.lost', webhookId: 'step_a-run_1_success' };
  await vi.waitFor(() => expect(allEvents()).toContainEqual(expect.objectContaining(lost)), {
    timeout: 20_000,
  });
  await connection.close();
}

/** A server that is down for a while. */
async function serverAway(world: World): Promise<void> {
  const mcpServerId = 'away';
  const port = await freePort();
  await world.register(mcpServerId, { url: `http://127.0.0.1:${port}/mcp`, auth: { type: 'none' } });
  const user = world.users.newUser();
  const step = await world.steps.start(user, { mcpServerId });
  const about = () => allEvents().filter((line) => line.mcpServerId === mcpServerId);
  const unavailable = { event: 'server.unavailable', cause: 'connect-refused' };
  await vi.waitFor(() => expect(about()).toMatchObject([unavailable]), { timeout: 20_000 });
  const back = createServer((_request, response) => response.writeHead(403).end()).listen(port, '127.0.0.1');
  await world.steps.result(step);
  back.close();
  expect(about()).toMatchObject([unavailable, { event: 'server.available', awayMs: expect.any(Number) }]);
}

/** A restart ends the idle connections; the next query opens another one. */
async function databaseRestarted(world: World): Promise<void> {
  const { db } = world.services;
  await Promise.all([db.query('SELECT 1'), db.query('SELECT 1')]);
  const name = new URL(world.database.url).pathname.slice(1);
  const others = 'pid <> pg_backend_pid() AND datname = $1';
  await asAdmin(world.database.url, (client) =>
    client.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${others}`, [name]),
  );
  const seen = () => allEvents().filter(({ event }) => String(event).startsWith('database.'));
  const unavailable = { event: 'database.unavailable', cause: 'connection-lost' };
  await vi.waitFor(() => expect(seen()).toMatchObject([unavailable]), { timeout: 20_000 });
  // The pool may hand out a connection whose end it has not noticed yet.
  await vi.waitFor(() => db.query('SELECT 1'), { timeout: 20_000 });
  await vi.waitFor(() => expect(seen()).toMatchObject([unavailable, { event: 'database.available' }]), {
    timeout: 20_000,
  });
}

/** Temporal, as the SDK's own lines tell of it. */
async function temporalAway(world: World): Promise<void> {
  const temporal = createAvailability({ logger: world.services.logger, name: 'temporal' });
  const sdk = createTemporalLogger(world.services.logger, temporal);
  const about = { sdkComponent: 'core', target: 'temporalio_client::retry' };
  const error = 'Status { code: Unavailable, message: "tcp connect error" }';
  for (let call = 0; call < 40; call++)
    sdk.warn('gRPC call poll_workflow_task_queue retried 6 times', { ...about, error });
  temporal.available();
  expect(allEvents().filter(({ event }) => String(event).startsWith('temporal.'))).toMatchObject([
    { event: 'temporal.unavailable', cause: 'unavailable' },
    { event: 'temporal.available' },
  ]);
}

/** At last: a receiver that answers 410 gets nothing more. */
async function refusedByTheReceiver(world: World): Promise<void> {
  const user = world.users.newUser();
  receiver.answer(user, status(500), status(410));
  await world.users.connect(user);
  const [, { id: webhookId } = { id: '' }] = await receiver.received(user, 2);
  await vi.waitFor(
    () =>
      expect(allEvents().filter((line) => line.webhookId === webhookId)).toMatchObject([
        { event: 'webhook.failed', attempt: 1, cause: 'http-500' },
        { event: 'webhook.disabled' },
      ]),
    { timeout: 20_000 },
  );
}

async function connectedAndExpired(world: World): Promise<string> {
  const user = world.users.newUser();
  await world.users.connect(user);
  world.authorizationServer.control.expireAccessTokens(user);
  return user;
}

function keyOf(world: World, userId: string) {
  return { userId, mcpServerId: world.mcpServerId };
}

function admin(world: World, sql: string) {
  return asAdmin(world.database.url, (client) => client.query(sql));
}
