import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { freePort } from '../../../src/dev/embedded/free-port.ts';
import { METRICS } from '../../../src/telemetry/metrics/definitions.ts';
import { runLatchkey, runTypescriptFile, type TypescriptProcess } from '../../support/child-process.ts';
import { rpcResult, startScriptedMcpServer } from '../../support/scripted-mcp-server.ts';
import { createWorld, type World } from '../../support/world.ts';
import { DASHBOARD, metricsIn, RULES } from './deployed-files.ts';
import { metricsOf, samplesOf } from './samples.ts';

interface Observed extends TypescriptProcess {
  metrics: string;
}

const UNTIL = { timeout: 20_000, interval: 100 };

let world: World;
let worker: Observed;
let server: Observed;

beforeAll(async () => {
  world = await createWorld({ withoutWorker: true });
  const environment = {
    ...world.environment(),
    JWT_SECRET: 'a secret of at least thirty-two bytes',
    PORT: '0',
    METRICS_PORT: '0',
    LOG_LEVEL: 'info',
  };
  [worker, server] = await Promise.all([start(environment, 'worker'), start(environment, 'server')]);
});

afterAll(async () => {
  await Promise.all([worker?.kill(), server?.kill()]);
  await world.stop();
});

async function start(environment: Record<string, string>, role: string): Promise<Observed> {
  const running = runLatchkey(environment, role);
  let metrics = '';
  for (;;) {
    const line = JSON.parse(await running.nextLine());
    if (line.msg === 'serving metrics') metrics = line.url;
    if (line.msg === 'ready') return { ...running, metrics };
  }
}

const scrape = async ({ metrics }: Observed) => (await fetch(`${metrics}/metrics`)).text();
const statusOf = async ({ metrics }: Observed, path: string) => (await fetch(`${metrics}${path}`)).status;

describe('processes with METRICS_PORT', () => {
  test('export every metric that the alert rules and the dashboard ask for', async () => {
    const user = world.users.newUser();
    await world.users.connect(user);
    world.authorizationServer.control.expireAccessTokens(user);
    await world.steps.result(await world.steps.start(user));

    const [ofWorker, ofServer] = await Promise.all([scrape(worker), scrape(server)]);

    const exported = new Set([...metricsOf(ofWorker), ...metricsOf(ofServer)]);
    const asked = [...metricsIn(RULES), ...metricsIn(DASHBOARD)];
    expect(asked.length).toBeGreaterThan(15);
    expect(asked.filter((name) => !exported.has(name))).toEqual([]);
    const samples = samplesOf(ofWorker);
    expect(samples.get('latchkey_calls_total{server="ledger",outcome="success"}')).toBe(1);
    expect(samples.get('latchkey_renewals_total{server="ledger",result="renewed"}')).toBe(1);
    expect(ofWorker + ofServer).not.toContain(user);
  });

  test('serve health in a worker, and only metrics in a server', async () => {
    expect(await statusOf(worker, '/health')).toBe(200);
    expect(await statusOf(worker, '/ready')).toBe(200);
    expect(await statusOf(server, '/ready')).toBe(404);
    expect(await (await fetch(`${worker.metrics}/ready`)).json()).toMatchObject({
      status: 'ready',
      checks: { polling: 'ok', postgres: 'ok' },
    });
  });

  test('show a worker that drains as alive and not ready, until its last call has ended', async () => {
    const slow = await startScriptedMcpServer();
    const answering = newAnswer();
    slow.on('tools/call', (...call) => {
      void answering.given.then(() => rpcResult({ content: [] })(...call));
    });
    await world.register('slow', { url: slow.url, auth: { type: 'none' } });
    const step = await world.steps.start(world.users.newUser(), { mcpServerId: 'slow', tool: 'echo' });
    await slow.arrived('tools/call');

    worker.child.kill('SIGTERM');

    await vi.waitFor(async () => expect(await statusOf(worker, '/ready')).toBe(503), UNTIL);
    expect(await (await fetch(`${worker.metrics}/ready`)).json()).toMatchObject({ status: 'draining' });
    expect(await statusOf(worker, '/health')).toBe(200);
    answering.give();
    await once(worker.child, 'exit');
    await expect(fetch(`${worker.metrics}/health`)).rejects.toThrow();
    expect(step.status).toBe('running');
    await slow.close();
  });
});

test("Temporal's core exports what the plugin records under the names of the contract", async () => {
  const port = await freePort();
  const program = runTypescriptFile('test/telemetry/metrics/record-with-core.ts', { PORT: String(port) });
  await program.nextLine();

  const scraped = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  await program.kill();

  const ours = [...metricsOf(scraped)].filter((name) => name.startsWith('latchkey_'));
  expect(ours.sort()).toEqual(
    Object.values(METRICS)
      .map(({ name }) => name)
      .sort(),
  );
  expect(samplesOf(scraped).get('latchkey_calls_total{outcome="success",server="ledger"}')).toBe(1);
});

function newAnswer() {
  let give: () => void = () => {};
  const given = new Promise<void>((resolve) => {
    give = resolve;
  });
  return { given, give: () => give() };
}
