import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createLogger } from '../../src/logger.ts';
import { loseKeyOfGrant, patchRow } from '../credentials/credential-row.ts';
import { asAdmin } from '../support/database-template.ts';
import { storedSecrets } from '../support/stored-secrets.ts';
import { createWorld, type World } from '../support/world.ts';

/** What stands in every line. */
const FRAME = ['level', 'time', 'pid', 'event', 'msg'];
const OF_CREDENTIAL = ['userId', 'mcpServerId'];
const OF_STEP = [...OF_CREDENTIAL, 'stepId', 'workflowId', 'reason'];

/** As the documentation has them. */
const EVENTS: Record<string, { level: string; always: string[]; perhaps?: string[] }> = {
  'refresh.started': { level: 'info', always: [...OF_CREDENTIAL, 'grantSeq'] },
  'refresh.done': {
    level: 'info',
    always: [...OF_CREDENTIAL, 'grantSeq', 'credentialVersion', 'tokenVersion', 'ms'],
  },
  'refresh.failed': { level: 'warn', always: [...OF_CREDENTIAL, 'cause'], perhaps: ['detail'] },
  'refresh.taken-over': { level: 'warn', always: OF_CREDENTIAL },
  'writeback.retrying': { level: 'error', always: [...OF_CREDENTIAL, 'attempt', 'err'] },
  'step.paused': { level: 'info', always: OF_STEP, perhaps: ['connectionReason'] },
  'step.resumed': { level: 'info', always: [...OF_STEP, 'waitedMs'], perhaps: ['connectionReason'] },
};

type Line = Record<string, unknown>;

const SECRET_ARGUMENT = 'argument-that-is-nobody-elses-business';
const REFUSING_TRIGGER = `
  CREATE FUNCTION refuse_tokens() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'refused: %', NEW.grant_jwe; END $$;
  CREATE TRIGGER refuse_tokens BEFORE UPDATE OF token_version ON mcp_credential
    FOR EACH ROW EXECUTE FUNCTION refuse_tokens()`;

const texts: string[] = [];
let world: World;

beforeAll(async () => {
  const destination = { write: (text: string) => void texts.push(text) };
  world = await createWorld({
    confidentialClient: true,
    logger: createLogger({ level: 'trace', destination }),
  });
});

afterAll(() => world.stop());

const linesOf = (userId: string): Line[] =>
  texts.map((text) => JSON.parse(text)).filter((line: Line) => line.userId === userId && line.event);
const eventsOf = (userId: string) => linesOf(userId).map(({ event }) => event);

test('every event says what it is documented to say, and no line at any level holds a secret', async () => {
  const secrets = new Set([SECRET_ARGUMENT]);
  const keepSecrets = async () => {
    for (const secret of await storedSecrets(world.services)) secrets.add(secret);
  };
  const users = [
    await refusedByTheDatabase(),
    await takenOver(),
    await withdrawn(keepSecrets),
    await approved(),
    await echoed(secrets),
    await withoutKey(),
  ];
  await keepSecrets();

  const lines = users.flatMap(linesOf);
  expect(new Set(lines.map(({ event }) => event))).toEqual(new Set(Object.keys(EVENTS)));
  for (const line of lines) {
    const { level, always, perhaps = [] } = EVENTS[String(line.event)] ?? { level: '', always: [] };
    expect(line).toMatchObject({ level, msg: line.event });
    const names = Object.keys(line).filter((name) => !perhaps.includes(name));
    expect(names.sort()).toEqual([...FRAME, ...always].sort());
  }
  expect(secrets.size).toBeGreaterThan(10);
  expect([...secrets].filter((secret) => texts.some((text) => text.includes(secret)))).toEqual([]);
});

test('the control: a secret that does get into the log is found there', async () => {
  const user = world.newUser();
  await world.connect(user);
  const [secret = ''] = await storedSecrets(world.services);

  world.services.logger.info({ note: `it is ${secret}` }, 'a slip');

  expect(secret).not.toBe('');
  expect(texts.some((text) => text.includes(secret))).toBe(true);
});

/** The first renewal finds the database unwilling for a while. */
async function refusedByTheDatabase(): Promise<string> {
  const user = await connectedAndExpired();
  await admin(REFUSING_TRIGGER);
  const step = await world.start(user);
  await vi.waitFor(() => expect(eventsOf(user)).toContain('writeback.retrying'), { timeout: 20_000 });
  await admin('DROP TRIGGER refuse_tokens ON mcp_credential');
  await world.result(step);
  const retries = linesOf(user).filter(({ event }) => event === 'writeback.retrying');
  expect(retries.map(({ attempt }) => attempt)).toEqual(retries.map((_, index) => index + 1));
  expect(eventsOf(user)).toEqual(['refresh.started', ...retries.map(({ event }) => event), 'refresh.done']);
  expect(linesOf(user).at(-1)).toMatchObject({ grantSeq: 1, credentialVersion: 1, tokenVersion: 2 });
  expect(linesOf(user).at(-1)?.ms).toBeGreaterThanOrEqual(100); // the first pause
  return user;
}

/** A process died between its intent and its write-back. */
async function takenOver(): Promise<string> {
  const user = await connectedAndExpired();
  await patchRow(world.services.db, keyOf(user), 'grant_seq = grant_seq + 1');
  await world.result(await world.start(user));
  expect(eventsOf(user)).toEqual(['refresh.taken-over', 'refresh.started', 'refresh.done']);
  return user;
}

async function withdrawn(keepSecrets: () => Promise<void>): Promise<string> {
  const user = world.newUser();
  await world.connect(user);
  await keepSecrets();
  world.authorizationServer.control.revokeGrants(user);
  const step = await world.start(user);
  await world.until(user, step.stepId, 'awaiting-input');
  await world.connect(user);
  await world.result(step);
  expect(eventsOf(user)).toEqual(['refresh.started', 'refresh.failed', 'step.paused', 'step.resumed']);
  const about = { stepId: step.stepId, workflowId: step.workflowId, mcpServerId: world.mcpServerId };
  const pause = { ...about, reason: 'needs-oauth-reauth', connectionReason: 'invalid-grant' };
  expect(linesOf(user).slice(1)).toMatchObject([
    { cause: 'invalid_grant' },
    pause,
    { ...pause, waitedMs: expect.any(Number) },
  ]);
  return user;
}

async function approved(): Promise<string> {
  const user = world.newUser();
  await world.connect(user);
  const step = await world.start(user, {
    mode: 'automated-with-confirmation',
    arguments: { customer: SECRET_ARGUMENT, amount: 1 },
  });
  await world.until(user, step.stepId, 'awaiting-input');
  await world.temporal.client.workflow.getHandle(step.workflowId).executeUpdate('approve');
  await world.result(step);
  expect(linesOf(user)).toMatchObject([
    { event: 'step.paused', reason: 'needs-approval' },
    { event: 'step.resumed', reason: 'needs-approval' },
  ]);
  return user;
}

/** An authorization server that repeats what it was sent in the place of an error code. */
async function echoed(secrets: Set<string>): Promise<string> {
  const user = world.newUser();
  const deposit = await world.consent(user);
  await world.deposit(user, deposit);
  world.authorizationServer.control.expireAccessTokens(user);
  const { refreshToken } = deposit;
  secrets.add(refreshToken);
  world.authorizationServer.control.interceptTokenRequests(
    { do: 'answer-before-processing', status: 400, body: { error: refreshToken } },
    { accountId: user },
  );
  await world.result(await world.start(user));
  expect(eventsOf(user).slice(0, 2)).toEqual(['refresh.started', 'refresh.failed']);
  expect(linesOf(user)[1]).toMatchObject({ cause: 'oauth-error' });
  return user;
}

/** Nothing is sent, since only the operator can help. */
async function withoutKey(): Promise<string> {
  const user = await connectedAndExpired();
  const jwe = await loseKeyOfGrant(world.services.db, keyOf(user));
  const step = await world.start(user);
  const failed = { event: 'refresh.failed', cause: 'key-missing', detail: expect.stringContaining('gone') };
  await vi.waitFor(() => expect(linesOf(user)[0]).toMatchObject(failed), { timeout: 20_000 });
  // The key might be on its way: the step waits for it.
  await world.steps.cancel(user, step.stepId);
  await patchRow(world.services.db, keyOf(user), `grant_jwe = '${jwe}'`);
  return user;
}

async function connectedAndExpired(): Promise<string> {
  const user = world.newUser();
  await world.connect(user);
  world.authorizationServer.control.expireAccessTokens(user);
  return user;
}

function keyOf(userId: string) {
  return { userId, mcpServerId: world.mcpServerId };
}

function admin(sql: string) {
  return asAdmin(world.database.url, (client) => client.query(sql));
}
