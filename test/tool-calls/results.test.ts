import { describe, expect, vi } from 'vitest';
import type { StepView, ToolResult } from '../../src/contracts/step.ts';
import { INLINE_BYTES } from '../../src/results/keep-result.ts';
import { readResult } from '../../src/results/result-store.ts';
import { testInWorld } from '../support/fixtures.ts';
import { rpcResult, rpcResultText } from '../support/scripted-mcp-server.ts';
import type { ScriptedServers } from '../support/scripted-servers.ts';
import type { TestWorker } from '../support/test-worker.ts';
import type { World } from '../support/world.ts';
import { historyText } from './history-text.ts';

const MIB = 1024 * 1024;

const test = testInWorld({ withoutWorker: true });
let worker: TestWorker;

test.beforeAll(async ({ world }) => {
  worker = await world.startWorker();
});

/** Of every kind there is, and of one that there is not. */
const CONTENT = [
  { type: 'text', text: 'a', annotations: { audience: ['user'], priority: 0.5 }, _meta: { 'x/y': 1 } },
  { type: 'image', data: 'iVBORw0KGgo=', mimeType: 'image/png' },
  { type: 'audio', data: 'UklGRg==', mimeType: 'audio/wav' },
  { type: 'resource_link', uri: 'file:///a', name: 'a', size: 3 },
  { type: 'resource', resource: { uri: 'file:///b', blob: 'AAAA', mimeType: 'application/octet-stream' } },
  { type: 'hologram', of: ['the future', null, '\ud83d\ude00\u0000'] },
];

describe('a result', () => {
  test('of 128 KiB is in the history, and one of a byte more is stored', async ({ world, scripted }) => {
    const inline = await callWith(world, scripted, resultOfBytes(INLINE_BYTES));
    const stored = await callWith(world, scripted, resultOfBytes(INLINE_BYTES + 1));

    expect(inline.step.result).toEqual(resultOfBytes(INLINE_BYTES));
    expect(stored.step.result).toEqual({
      content: [],
      stored: { id: expect.any(String), bytes: INLINE_BYTES + 1 },
    });
  });

  test.for([
    ['in history', 0],
    ['stored', 200_000],
  ] as const)('is returned unchanged, %s', async ([_, more], { world, scripted }) => {
    const result = {
      content: [...CONTENT, { type: 'text', text: 'x'.repeat(more) }],
      structuredContent: { a: [1, { b: null }], '': 0.1 },
    };

    const { user, step } = await callWith(world, scripted, result);

    expect(await wholeResult(world, user, step)).toEqual(result);
  });

  test('that is large is in no history, is encrypted in the database and is readable by its user only', async ({
    world,
    scripted,
  }) => {
    const secret = 'salary-of-everybody ';
    const text = secret.repeat((3 * MIB) / secret.length);

    const { user, step } = await callWith(world, scripted, { content: [{ type: 'text', text }] });

    expect(await wholeResult(world, user, step)).toEqual({ content: [{ type: 'text', text }] });
    const history = await historyText(world, step);
    expect(history).toContain(step.result?.stored?.id);
    expect(history).not.toContain(secret);
    const { rows } = await world.services.db.query<{ row: string }>(
      'SELECT row_to_json(mcp_stored_result)::text AS row FROM mcp_stored_result WHERE user_id = $1',
      [user],
    );
    expect(rows).toHaveLength(1);
    expect(rows[0]?.row).not.toContain(secret);
    const id = step.result?.stored?.id ?? '';
    await expect(readResult(world.services, world.users.newUser(), id)).resolves.toEqual({ kind: 'gone' });
  });

  test('that says isError is stored like any other', async ({ world, scripted }) => {
    const result = resultOfBytes(200_000);

    const { user, step } = await callWith(world, scripted, { ...result, isError: true });

    expect(step).toMatchObject({ status: 'error', error: { code: 'tool-error' } });
    expect(await wholeResult(world, user, step)).toEqual(result);
  });

  test('may be as large as its server’s limit, by default almost 10 MiB', async ({ world, scripted }) => {
    const result = resultOfBytes(10 * MIB - 100);

    const { user, step } = await callWith(world, scripted, result);

    expect(await wholeResult(world, user, step)).toEqual(result);
  });

  test.for([
    ['10 MiB by default', {}, 10 * MIB],
    ['what its server is registered for', { maxResultBytes: 2_000 }, 2_000],
  ] as const)(
    'over %s ends the step, and the tool is not called again',
    async ([_, registration, bytes], { world, scripted }) => {
      const { server, step } = await callWith(world, scripted, resultOfBytes(bytes), registration, {
        sideEffects: 'read-only',
      });

      expect(step).toMatchObject({ status: 'error', error: { code: 'result-too-large' } });
      expect(server.count('tools/call')).toBe(1);
    },
  );
});

describe('a result that nests too deeply', () => {
  const deep = `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`;

  test.for([
    ['structuredContent', `{"content":[],"structuredContent":${deep}}`],
    ['_meta', `{"content":[],"_meta":${deep}}`],
    ['_meta of content', `{"content":[{"type":"text","text":"a","_meta":${deep}}]}`],
  ] as const)(
    'in its %s ends the step, and the tool is not called again',
    async ([_, text], { world, scripted }) => {
      const { server, mcpServerId } = await scripted.register();
      server.on('tools/call', rpcResultText(text));
      const user = world.users.newUser();
      const { stepId } = await world.steps.start(user, {
        mcpServerId,
        tool: 'echo',
        sideEffects: 'read-only',
      });

      const step = await world.steps.until(user, stepId, 'error', 'awaiting-input');

      expect(step).toMatchObject({ status: 'error', error: { code: 'protocol-error' } });
      expect(server.count('tools/call')).toBe(1);
    },
  );
});

describe('a result that can’t be stored', () => {
  const RENAME = 'ALTER TABLE mcp_stored_result RENAME TO mcp_stored_result_elsewhere';
  const RENAME_BACK = 'ALTER TABLE mcp_stored_result_elsewhere RENAME TO mcp_stored_result';

  test('yet is kept until it can, without another call', async ({ world, scripted }) => {
    await world.services.db.query(RENAME);
    const before = await rollbacks(world);
    const { server, mcpServerId } = await scripted.register();
    const result = resultOfBytes(200_000);
    server.on('tools/call', rpcResult(result));
    const user = world.users.newUser();
    const { stepId } = await world.steps.start(user, { mcpServerId, tool: 'echo' });
    await server.arrived('tools/call');
    await vi.waitFor(async () => expect(await rollbacks(world)).toBeGreaterThan(before), { timeout: 30_000 });

    await world.services.db.query(RENAME_BACK);

    expect(await wholeResult(world, user, await world.steps.until(user, stepId, 'success'))).toEqual(result);
    expect(server.count('tools/call')).toBe(1);
  });

  test('before its worker has to stop leaves an unknown outcome, and the worker stops', async ({
    world,
    scripted,
  }) => {
    await world.services.db.query(RENAME);
    const { server, mcpServerId } = await scripted.register();
    server.on('tools/call', rpcResult(resultOfBytes(200_000)));
    const user = world.users.newUser();
    const { stepId } = await world.steps.start(user, { mcpServerId, tool: 'echo' });
    await server.arrived('tools/call');

    await worker.stop();
    await world.services.db.query(RENAME_BACK);
    worker = await world.startWorker();

    const step = await world.steps.until(user, stepId, 'awaiting-input');
    expect(step.awaitingInputReason).toBe('outcome-unknown');
    expect(step.timeline).toContainEqual(expect.objectContaining({ cause: 'result-not-stored' }));
    expect(server.count('tools/call')).toBe(1);
  });

  test('for a reason that time does not mend leaves an unknown outcome at once', async ({
    world,
    scripted,
  }) => {
    await world.services.db.query(`
      CREATE FUNCTION refuse_result() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = 'data_exception'; END $$;
      CREATE TRIGGER refuse_result BEFORE INSERT ON mcp_stored_result EXECUTE FUNCTION refuse_result()`);
    const { server, mcpServerId } = await scripted.register();
    server.on('tools/call', rpcResult(resultOfBytes(200_000)));
    const user = world.users.newUser();
    const { stepId } = await world.steps.start(user, { mcpServerId, tool: 'echo' });

    const step = await world.steps.until(user, stepId, 'awaiting-input');
    await world.services.db.query('DROP FUNCTION refuse_result CASCADE');

    expect(step.timeline).toContainEqual(expect.objectContaining({ cause: 'result-not-stored' }));
    expect(server.count('tools/call')).toBe(1);
  });

  // Of all statements in this database, only those that store a result fail now.
  async function rollbacks(world: World): Promise<number> {
    const { rows } = await world.services.db.query<{ n: string }>(
      'SELECT xact_rollback AS n FROM pg_stat_database WHERE datname = current_database()',
    );
    return Number(rows[0]?.n);
  }
});

/** A step whose tool answers that. */
async function callWith(
  world: World,
  scripted: ScriptedServers,
  result: object,
  registration = {},
  changes = {},
) {
  const { server, mcpServerId } = await scripted.register(registration);
  server.on('tools/call', rpcResult(result));
  const user = world.users.newUser();
  const { stepId } = await world.steps.start(user, { mcpServerId, tool: 'echo', ...changes });
  return { server, user, step: await world.steps.until(user, stepId, 'success', 'error') };
}

/** A result that is that large as JSON. */
function resultOfBytes(bytes: number): ToolResult {
  const empty = JSON.stringify({ content: [{ type: 'text', text: '' }] }).length;
  return { content: [{ type: 'text', text: 'x'.repeat(bytes - empty) }] };
}

async function wholeResult(world: World, user: string, { result }: StepView): Promise<unknown> {
  if (result?.stored === undefined) return result;
  const read = await readResult(world.services, user, result.stored.id);
  return read.kind === 'found' ? read.result : read;
}
