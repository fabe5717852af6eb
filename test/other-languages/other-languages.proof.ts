import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, type TestContext, test } from 'vitest';
import { createWorld, INVOICE, type World } from '../support/world.ts';
import { goProgram, type Program, type ProgramEnd, pythonProgram, runProgram } from './programs.ts';

const SET_UP_MS = 9 * 60_000;

let world: World;

beforeAll(async () => {
  // The programs of the page encrypt nothing.
  world = await createWorld({ payloadKeys: 'none' });
});

afterAll(() => world.stop());

describe.each([
  ['Python', pythonProgram],
  ['Go', goProgram],
] as const)('the program for %s on docs/other-languages.md', (language, prepare) => {
  let program: Program;

  beforeAll(async () => {
    program = await prepare();
  }, SET_UP_MS);

  test.for([
    ['plain', (id: string) => id],
    ['of every odd character', (id: string) => `${id} a/b'c!d*e(f)g~h%i+j:k@l&m=n$o,ü🔑`],
    ['longer than 100 bytes', (id: string) => `${'ü'.repeat(60)}${id}`],
  ] as const)(
    'approves a step of a user id that is %s, which HTTP shows to that user',
    async ([_, named], context) => {
      const [user, stepId] = [named(world.users.newUser()), randomUUID()];
      await world.users.connect(user);

      const end = await run(context, [
        user,
        stepId,
        request({ mode: 'automated-with-confirmation' }),
        'approve',
        '{}',
      ]);

      expect(answerOf(end)).toMatchObject({ waited: 'needs-approval', result: { status: 'success' } });
      expect(await world.steps.get(user, stepId)).toMatchObject({
        stepId,
        status: 'success',
        timeline: expect.arrayContaining([
          expect.objectContaining({ event: 'approved', by: user.slice(0, 255) }),
        ]),
      });
      await expect
        .poll(() => world.steps.list(user, { limit: 10, status: 'success' }), { timeout: 30_000 })
        .toMatchObject({ steps: [{ stepId, tool: 'create_invoice' }] });
    },
  );

  test('rejects a step with a reason', async (context) => {
    const user = world.users.newUser();
    const step = request({ mode: 'automated-with-confirmation' });

    const end = await run(context, [user, 'x'.repeat(120), step, 'reject', '{"reason":"too much"}']);

    expect(answerOf(end).result).toStrictEqual({ status: 'skipped', reason: 'too much' });
  });

  test('resolves a step whose outcome is unknown', async (context) => {
    const user = world.users.newUser();
    await world.users.connect(user);
    world.mcpServer.control.interceptTools({ do: 'drop-after-execution' }, { user });

    const end = await run(context, [
      user,
      's',
      request({ sideEffects: 'unsafe' }),
      'resolve',
      '{"action":"succeed"}',
    ]);

    expect(answerOf(end)).toMatchObject({ waited: 'outcome-unknown', result: { status: 'success' } });
    expect((await world.steps.reported(user, 's')).timeline).toContainEqual(
      expect.objectContaining({ event: 'resolved', by: user }),
    );
  });

  test('gets the type of a refused decision and cannot reuse the id of a step', async (context) => {
    const user = world.users.newUser();
    const args = [
      user,
      's',
      request({ mode: 'automated-with-confirmation' }),
      'resolve',
      '{"action":"fail"}',
    ];

    const refused = await run(context, args);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain('refused: NotWaiting: the step does not wait for that');
    const again = await run(context, args);
    expect(again.code).not.toBe(0);
    expect(again.stderr).toMatch(/already (started|running)/i);
    await world.steps.cancel(user, 's');
  });

  test('gets every field that is wrong', async (context) => {
    const end = await run(context, [
      world.users.newUser(),
      's',
      request({ tool: '', expires: 1 }),
      'approve',
      '{}',
    ]);

    expect(answerOf(end).result).toMatchObject({ status: 'error', error: { code: 'invalid-arguments' } });
    expect(JSON.stringify(answerOf(end))).toMatch(
      /tool must be a text.*expires is not a known field|expires is not a known field.*tool must be a text/,
    );
  });

  async function run(context: TestContext, args: string[]): Promise<ProgramEnd> {
    if (program.kind === 'missing' && process.env.CI !== 'true') {
      context.skip(`${program.what}: the page's code for ${language} was not run`);
    }
    return runProgram(program, args, {
      TEMPORAL_ADDRESS: world.temporal.address,
      TEMPORAL_NAMESPACE: world.temporal.namespace,
      TEMPORAL_TASK_QUEUE: world.config.taskQueue,
    });
  }
});

function request(step: object): string {
  return JSON.stringify({
    mcpServerId: world.mcpServerId,
    tool: 'create_invoice',
    arguments: INVOICE,
    ...step,
  });
}

function answerOf({ code, stdout, stderr }: ProgramEnd): { waited: unknown; result: unknown } {
  expect([code, stderr]).toEqual([0, expect.any(String)]);
  return JSON.parse(stdout);
}
