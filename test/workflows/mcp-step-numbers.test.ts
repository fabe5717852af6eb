import { type Payload, RawValue } from '@temporalio/common';
import { describe, expect } from 'vitest';
import type { ResolveStep } from '../../src/contracts/messages.ts';
import { EXACT, INEXACT } from '../support/number-literals.ts';
import { testWithTimeSkipping } from './fixtures.ts';
import { completed, lost, RESULT } from './outcomes.ts';
import { INPUT, type ScriptedStep } from './scripted-steps.ts';

const LONG = '918273645546372817';
const MESSAGE = (place: string) => expect.stringMatching(new RegExp(`^${place} is a number .*string$`));
const SUCCESS = { status: 'success', result: RESULT };

const test = testWithTimeSkipping();

/** JSON as a client in another language writes it. */
function json(text: string): RawValue {
  const payload: Payload = { metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from(text) };
  return RawValue.fromPayload(payload);
}

function inputWith(args: string, more: object = {}): RawValue {
  const { arguments: _, ...input } = INPUT;
  return json(JSON.stringify({ ...input, ...more, arguments: '…' }).replace('"…"', args));
}

describe('a step that a client has started', () => {
  test('with an integer that a double can not hold ends as invalid-arguments that names its place', async ({
    steps,
  }) => {
    const step = await steps.start({}, { args: [inputWith(`{"lines":[{"id":"a"},{"id":${LONG}}]}`)] });

    await expect(step.result()).resolves.toStrictEqual({
      status: 'error',
      error: { code: 'invalid-arguments', message: MESSAGE('arguments.lines.1.id') },
    });
    expect(step.play.order).toStrictEqual([]);
    expect(await step.view()).toMatchObject({ status: 'error', error: { code: 'invalid-arguments' } });
    expect(JSON.stringify(await step.view())).not.toContain(LONG.slice(0, 12));
  });

  test('with many such integers names at most ten', async ({ steps }) => {
    const step = await steps.start({}, { args: [inputWith(`{"ids":[${Array(15).fill(LONG).join()}]}`)] });

    const result = await step.result();

    const message = result.status === 'error' ? result.error.message : '';
    expect(message.match(/arguments\.ids\.\d+/g)).toHaveLength(10);
    expect(message).toMatch(/; and 5 more$/);
  });

  test.for(INEXACT)('with %s calls nothing', async (literal, { steps }) => {
    const step = await steps.start({}, { args: [inputWith(`{"x":${literal}}`)] });

    await expect(step.result()).resolves.toMatchObject({ error: { code: 'invalid-arguments' } });

    expect(step.play.order).toStrictEqual([]);
  });

  test('with exact numbers calls the tool with them and adds no event to its history', async ({ steps }) => {
    const args = `{"n":[${EXACT.join()}],"id":"${LONG}"}`;
    const step = await steps.start({ invokeTool: [completed] }, { args: [inputWith(args)] });

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);

    // JSON.stringify writes -0 as 0.
    expect(step.play.inputs('invokeTool')[0]?.arguments).toEqual(
      JSON.parse(JSON.stringify(JSON.parse(args))),
    );
    expect(await step.events()).toHaveLength(11);
  });

  test('continues with a result that holds rounded numbers', async ({ steps }) => {
    const result = { content: [], structuredContent: { id: Number(LONG) } };
    const step = await steps.start({ invokeTool: [{ kind: 'completed', isError: false, result }] });

    await expect(step.result()).resolves.toStrictEqual({ status: 'success', result });
  });
});

describe('a decision with an integer that a double can not hold', () => {
  test('is refused with its place, and the step still waits: an edit', async ({ steps }) => {
    const args = [inputWith('{"amount":1}', { mode: 'automated-with-confirmation' })];
    const step = await steps.start(
      { checkArguments: [{ kind: 'valid' }], invokeTool: [completed] },
      { args },
    );
    await step.until('awaiting-input');

    await expectRefused(step.approve(raw(`{"arguments":{"id":${LONG}}}`)), 'arguments.id');
    expect(await step.view()).toMatchObject({
      status: 'awaiting-input',
      pending: { arguments: { amount: 1 } },
    });

    await step.approve(raw(`{"arguments":{"id":"${LONG}","n":9007199254740991}}`));
    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
    expect(step.play.inputs('invokeTool')[0]?.arguments).toEqual({ id: LONG, n: 9007199254740991 });
  });

  test('is refused with its place, and the step still waits: a result', async ({ steps }) => {
    const args = [inputWith('{}', { sideEffects: 'unsafe' })];
    const step = await steps.start({ invokeTool: [lost] }, { args });
    await step.until('awaiting-input');

    const given = raw<ResolveStep>(`{"action":"succeed","result":{"structuredContent":{"a":[${LONG}]}}}`);
    await expectRefused(step.resolve(given), 'result.structuredContent.a.0');
    expect(await step.view()).toMatchObject({ status: 'awaiting-input' });

    await step.resolve({ action: 'fail' });
    await expect(step.result()).resolves.toMatchObject({ error: { code: 'outcome-unknown' } });
  });

  test('that the step does not wait for is ignored, as every malformed signal is', async ({ steps }) => {
    const args = [inputWith('{}', { mode: 'automated-with-confirmation' })];
    const step = await steps.start({ invokeTool: [completed] }, { args });
    await step.until('awaiting-input');

    const data = `{"mcpServerId":"ledger","version":${LONG}}`;
    await step.rawSignal('credentialDeposited', { encoding: 'json/plain', data });
    await step.approve();

    await expect(step.result()).resolves.toStrictEqual(SUCCESS);
  });
});

// The cast is for the types of the client, which has values and no texts.
function raw<T>(text: string): T {
  return json(text) as T;
}

async function expectRefused(decision: ReturnType<ScriptedStep['approve']>, place: string): Promise<void> {
  await expect(decision).rejects.toMatchObject({ message: 'Invalid', cause: { message: MESSAGE(place) } });
}
