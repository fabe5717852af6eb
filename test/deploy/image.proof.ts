import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { freePort } from '../../src/dev/embedded/free-port.ts';
import type { TypescriptProcess } from '../support/child-process.ts';
import { rpcResult, startScriptedMcpServer } from '../support/scripted-mcp-server.ts';
import { createWorld, type World } from '../support/world.ts';
import { buildImage, type ContainerEngine } from './container-engine.ts';

const BUILD_MS = 900_000;
const UNTIL = { timeout: 30_000, interval: 200 };

let built: ContainerEngine | Error;
let world: World;

beforeAll(async () => {
  built = await buildImage().catch((error: Error) => error);
  world = await createWorld({ withoutWorker: true });
}, BUILD_MS);
afterAll(() => world?.stop());

function engineFor({ skip }: { skip: (note: string) => void }): ContainerEngine {
  if (!(built instanceof Error)) return built;
  if (process.env.CI !== 'true') skip(built.message);
  throw built;
}

interface Running extends TypescriptProcess {
  name: string;
}

async function start(engine: ContainerEngine, role: string, ports: Record<string, string>): Promise<Running> {
  const name = `latchkey-${role}-${randomUUID()}`;
  const environment = {
    ...world.environment(),
    ...{ JWT_SECRET: 'a secret of at least thirty-two bytes', LOG_LEVEL: 'info', DRAIN_DELAY_SECONDS: '1' },
    ...ports,
  };
  const container = engine.start(name, environment, role);
  onTestFinished(() => container.kill('SIGTERM'));
  await logged(container, 'ready');
  return { ...container, name };
}

/** Resolves when the process has logged this message. @throws when it ends without it */
async function logged(process: TypescriptProcess, message: string): Promise<void> {
  while (JSON.parse(await process.nextLine()).msg !== message);
}

/** What a process of the image may do with its file system. */
const WRITES = `const { writeFileSync: write } = require('node:fs');
  const outcome = (path) => { try { write(path, ''); return 'written'; } catch ({ code }) { return code; } };
  console.log(process.getuid(), ['/app/x', '/tmp/x', '/x'].map(outcome).join(' '))`;

async function exitCode({ child }: TypescriptProcess): Promise<unknown> {
  if (child.exitCode !== null) return child.exitCode;
  const [code] = await once(child, 'exit');
  return code;
}

describe("the Dockerfile's image", () => {
  test('runs a worker that can write nowhere: it is healthy, calls tools, and lets its last call end', async (context) => {
    const engine = engineFor(context);
    const slow = await startScriptedMcpServer();
    onTestFinished(() => slow.close());
    let answer: () => void = () => {};
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    slow.on('tools/call', (...call) => void answered.then(() => rpcResult({ content: [] })(...call)));
    await world.register('slow', { url: slow.url, auth: { type: 'none' } });

    const worker = await start(engine, 'worker', { METRICS_PORT: String(await freePort()) });
    expect(await engine.evaluate(worker.name, WRITES)).toBe('1000 EROFS EROFS EROFS');
    await vi.waitFor(async () => expect(await engine.isHealthy(worker.name)).toBe(true), UNTIL);
    const user = world.users.newUser();
    await world.users.connect(user);
    const result = await world.steps.result(await world.steps.start(user));
    expect(result).toMatchObject({ status: 'success' });
    const step = await world.steps.start(user, { mcpServerId: 'slow', tool: 'echo' });
    await slow.arrived('tools/call');
    worker.child.kill('SIGTERM');
    await logged(worker, 'draining');
    answer();

    expect(await exitCode(worker)).toBe(0);
    // A call that was cut off would pause the step here, because its outcome would be unknown.
    await world.startWorker();
    const ended = await world.steps.until(user, step.stepId, 'success', 'awaiting-input');
    expect(ended.status).toBe('success');
    expect(slow.count('tools/call')).toBe(1);
  });

  test('runs a server that is healthy, and drains at SIGTERM', async (context) => {
    const engine = engineFor(context);
    const port = String(await freePort());
    const server = await start(engine, 'server', { PORT: port, DRAIN_DELAY_SECONDS: '10' });
    expect(await engine.evaluate(server.name, WRITES)).toBe('1000 EROFS EROFS EROFS');
    await vi.waitFor(async () => expect(await engine.isHealthy(server.name)).toBe(true), UNTIL);

    server.child.kill('SIGTERM');
    await vi.waitFor(async () => {
      expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(503);
    }, UNTIL);

    expect(await exitCode(server)).toBe(0);
  });

  test('prepares the database and Temporal', async (context) => {
    const engine = engineFor(context);
    const name = `latchkey-migrate-${randomUUID()}`;
    expect(await exitCode(engine.start(name, world.environment(), 'migrate'))).toBe(0);
  });

  test('counts a worker that cannot be asked as unhealthy', async (context) => {
    const engine = engineFor(context);
    const worker = await start(engine, 'worker', { PORT: String(await freePort()) });
    expect(await engine.isHealthy(worker.name)).toBe(false);
  });
});
