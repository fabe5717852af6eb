import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type DemoMcpServer, startMcpServer } from '../../src/embedded/mcp-server.ts';
import { decodeWithin } from '../../src/payloads/decode-within.ts';
import { createPayloadCodec } from '../../src/payloads/payload-codec.ts';
import { storedSecrets } from '../support/stored-secrets.ts';
import { createWorld, type World } from '../support/world.ts';

const STATIC_TOKEN = 'static-token-of-the-operator';
const HEADER = 'header-value-of-the-operator';
const ECHO = 'token-that-a-server-echoes-in-its-error';

let world: World;
let staticServer: DemoMcpServer;

beforeAll(async () => {
  world = await createWorld({ confidentialClient: true });
  staticServer = await startMcpServer({ auth: { type: 'bearer', token: STATIC_TOKEN } });
});

afterAll(async () => {
  await staticServer.stop();
  await world.stop();
});

test('nothing that Temporal keeps of steps and their re-authorizations holds a secret', async () => {
  const secrets = new Set([STATIC_TOKEN, HEADER, ECHO, ...operatorSecrets()]);
  const keepSecrets = async () => {
    for (const secret of await storedSecrets(world.services)) secrets.add(secret);
  };

  await playReauthorizations(keepSecrets);
  await playOtherFailures();
  await keepSecrets();

  const { workflows, texts } = await everythingKept(9);
  expect(workflows).toEqual(expect.arrayContaining(['resumeSteps', 'revokeGrant']));
  // Beside the operator's: of at least five grants and renewals the two tokens, sealed and in clear.
  expect(secrets.size).toBeGreaterThan(20);
  expect([...secrets].filter((secret) => texts.some((text) => text.includes(secret)))).toEqual([]);
});

test('the control: a secret that does get into a history is found there', async () => {
  const user = world.newUser();
  const { accessToken = '' } = await world.consent(user);
  const step = await world.start(user, { arguments: { customer: accessToken, amount: 1 } });
  await world.until(user, step.stepId, 'awaiting-input');

  const { texts } = await everythingKept(1);

  expect(accessToken).not.toBe('');
  expect(texts.some((text) => text.includes(accessToken))).toBe(true);
});

/** Never connected; renewed; consent withdrawn; disconnected and revoked; refused however new. */
async function playReauthorizations(keepSecrets: () => Promise<void>): Promise<void> {
  const user = world.newUser();
  const first = await world.start(user);
  await world.until(user, first.stepId, 'awaiting-input');
  await world.connect(user);
  await keepSecrets();
  await world.result(first);

  world.authorizationServer.control.expireAccessTokens(user);
  await world.result(await world.start(user));
  await keepSecrets();

  world.authorizationServer.control.revokeGrants(user);
  const second = await world.start(user);
  await world.until(user, second.stepId, 'awaiting-input');
  await world.connect(user);
  await keepSecrets();
  await world.result(second);

  await world.disconnect(user);
  const key = { userId: user, mcpServerId: world.mcpServerId };
  await world.services.workflows.startRevocation(key, 3);
  await world.temporal.client.workflow.getHandle(`revoke/${user}/${world.mcpServerId}/3`).result();
  await world.connect(user);
  await keepSecrets();

  const refusal = { do: 'answer', status: 401, body: ECHO } as const;
  const refusing = world.mcpServer.control.interceptRequests(refusal, { user, times: Infinity });
  const third = await world.start(user);
  await world.until(user, third.stepId, 'awaiting-input');
  await keepSecrets();
  refusing.release();
  await world.connect(user);
  await world.result(third);
}

/** Answers that repeat what was sent, and the operator's own secrets. */
async function playOtherFailures(): Promise<void> {
  const user = world.newUser();
  await world.connect(user);
  const echo = { do: 'answer-before-processing', status: 500, body: ECHO } as const;
  world.authorizationServer.control.expireAccessTokens(user);
  world.authorizationServer.control.interceptTokenRequests(echo, { accountId: user, times: 3 });
  await world.result(await world.start(user));
  for (const status of [400, 403]) {
    world.mcpServer.control.interceptRequests({ do: 'answer', status, body: ECHO }, { user });
    await world.result(await world.start(user));
  }
  const auth = { type: 'bearer', token: STATIC_TOKEN };
  const { url } = staticServer;
  await world.register('static', { url, auth, headers: { 'x-api-key': HEADER } });
  await world.result(await world.start(user, { mcpServerId: 'static' }));
  await world.register('static', { url, auth: { ...auth, token: `${STATIC_TOKEN}-wrong` } });
  await world.result(await world.start(user, { mcpServerId: 'static' }));
}

function operatorSecrets(): string[] {
  return world.config.encryptionKeys.reveal().flatMap(({ bytes }) => {
    const key = Buffer.from(bytes);
    return [key.toString('base64'), key.toString('base64url'), key.toString('hex')];
  });
}

/**
 * The types of all workflows of this world, and every text in their histories, descriptions and list items.
 * Visibility is eventually consistent: that many steps at least are waited for.
 */
async function everythingKept(steps: number): Promise<{ workflows: string[]; texts: string[] }> {
  const { client } = world.temporal;
  const query = `TaskQueue = '${world.config.taskQueue}'`;
  const expectSteps = async () => {
    const { count } = await client.workflow.count(`${query} AND WorkflowType = 'mcpStep'`);
    expect(count).toBeGreaterThanOrEqual(steps);
  };
  await vi.waitFor(expectSteps, { timeout: 10_000 });
  const codec = createPayloadCodec(world.temporal.payloadKeys);
  const workflows: string[] = [];
  const texts: string[] = [];
  for await (const item of client.workflow.list({ query })) {
    const handle = client.workflow.getHandle(item.workflowId, item.runId);
    workflows.push(item.type);
    const kept = [item.raw, (await handle.describe()).raw, await handle.fetchHistory()];
    texts.push(...textsIn(await decodeWithin(kept, codec)));
  }
  return { workflows, texts };
}

/** Payloads are bytes; what they hold is JSON. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (value instanceof Uint8Array) return [Buffer.from(value).toString()];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => [name, ...textsIn(member)]);
}
