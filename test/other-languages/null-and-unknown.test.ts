import { readFileSync } from 'node:fs';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { describe, expect } from 'vitest';
import { isResumptionOf, versionOf } from '../../src/workflows/step/signals.ts';
import { parseStepInput } from '../../src/workflows/step/step-input.ts';
import { parseListingInput } from '../../src/workflows/tools/listing-input.ts';
import { testWithTimeSkipping } from '../workflows/fixtures.ts';
import { completed, lost } from '../workflows/outcomes.ts';
import type { ScriptedStep, TimeSkippingSteps } from '../workflows/scripted-steps.ts';

const PAGE = new URL('../../docs/other-languages.md', import.meta.url);
const INPUT = { userId: 'ada', mcpServerId: 'ledger', tool: 'create_invoice' };
const LEDGER = { mcpServerId: 'ledger' };

const test = testWithTimeSkipping();

/** The cells of the table whose first column is called so. */
function rowsOf(first: string): string[][] {
  const text = readFileSync(PAGE, 'utf8').split('## Null and unknown fields')[1]?.split('\n## ')[0] ?? '';
  const table = text.split('\n\n').find((block) => block.startsWith(`| ${first} |`)) ?? '';
  return table
    .trim()
    .split('\n')
    .slice(2)
    .map((row) =>
      row
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

/** What the cell shows as code. */
const codesIn = (cell = '') => [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
const jsonIn = (cell?: string): unknown => JSON.parse(codesIn(cell)[0] ?? '');
const lastCode = (cell?: string) => codesIn(cell).at(-1) ?? '';

describe('the page says what null and unknown fields do', () => {
  test.for(rowsOf('in the input'))('in an input: %s: %s', ([cell, effect]) => {
    const added = jsonIn(cell) as Record<string, unknown>;
    const parsed = parseStepInput({ ...INPUT, ...added }, 'w');
    const without = parseStepInput(INPUT, 'w');
    if (effect === 'as if left out') return expect(parsed).toStrictEqual(without);
    if (effect === 'the tool gets these arguments') return expect(parsed).toMatchObject({ plan: added });
    expect(effect).toMatch(/^`error: invalid-arguments`, /);
    expect(parsed).toStrictEqual({ ok: false, message: lastCode(effect) });
  });

  test.for(rowsOf('in the input of a listing'))('in that of a listing: %s: %s', ([cell, effect]) => {
    const listing = { userId: 'ada', servers: [LEDGER] };
    const parsed = parseListingInput({ ...listing, ...(jsonIn(cell) as object) }, 'w');
    if (effect === 'as if left out') return expect(parsed).toStrictEqual(parseListingInput(listing, 'w'));
    expect(effect).toMatch(/^fails as `invalid-arguments`, /);
    expect(parsed).toStrictEqual({ ok: false, message: lastCode(effect) });
  });

  test.for(rowsOf('update'))('in an update: %s %s is %s', async ([update, message, effect], { steps }) => {
    const name = codesIn(update)[0] ?? '';
    const step = await pausedFor(name, steps);
    const answer = await decide(step, name, jsonIn(message));
    if (effect?.startsWith('as ')) {
      const other = await pausedFor(name, steps);
      expect(answer).toMatchObject({ kind: 'applied' });
      expect(await decide(other, name, jsonIn(effect))).toMatchObject({ kind: 'applied' });
      return expect(await endOf(step)).toStrictEqual(await endOf(other));
    }
    expect(effect).toMatch(/^refused as `Invalid`, /);
    expect(answer).toMatchObject({ kind: 'refused', type: 'Invalid' });
    expect(answer).toMatchObject({ message: expect.stringMatching(new RegExp(`^${lastCode(effect)}`)) });
    expect(await step.view()).toMatchObject({ status: 'awaiting-input' });
  });

  test.for(rowsOf('signal'))('in a signal: %s %s is: %s', ([signal, message, effect]) => {
    const meant = codesIn(signal)[0] === 'serverResumed' ? isResumptionOf : versionOf;
    const nothing = meant(undefined, LEDGER);
    const heard = meant(jsonIn(message), LEDGER);
    if (effect === 'ignored') return expect(heard).toBe(nothing);
    expect(heard).not.toBe(nothing);
    expect(heard).toBe(meant(jsonIn(effect), LEDGER));
  });

  test('in every kind of message', () => {
    expect(
      ['in the input', 'in the input of a listing', 'update', 'signal'].map((name) => rowsOf(name).length),
    ).toEqual([8, 6, 11, 6]);
  });
});

/** A step that waits for this decision. */
async function pausedFor(update: string, steps: TimeSkippingSteps): Promise<ScriptedStep> {
  const script = update === 'resolve' ? [lost, completed] : [completed];
  const rule = update === 'resolve' ? { sideEffects: 'unsafe' } : { mode: 'automated-with-confirmation' };
  const step = await steps.start({ invokeTool: script }, { args: [{ ...INPUT, ...rule }] });
  await step.until('awaiting-input');
  return step;
}

/** Sends the message as another language does, with null for the person. */
async function decide({ handle }: ScriptedStep, update: string, message: unknown) {
  try {
    await handle.executeUpdate(update, { args: [message, null] });
    return { kind: 'applied' };
  } catch (error) {
    if (!(error instanceof WorkflowUpdateFailedError) || !(error.cause instanceof ApplicationFailure))
      throw error;
    return { kind: 'refused', type: error.cause.type, message: error.cause.message };
  }
}

async function endOf(step: ScriptedStep) {
  return { result: await step.result(), calls: step.play.inputs('invokeTool').length };
}
