import picocolors from 'picocolors';
import { describe, expect, test } from 'vitest';
import { colorsOf } from '../../src/commands/colors.ts';
import { resultText } from '../../src/commands/result-text.ts';
import { stepReport, stepRow, stepsTable } from '../../src/commands/steps-report.ts';
import { pauseLines, statusLine } from '../../src/commands/steps-words.ts';
import type { StepView } from '../../src/contracts/step.ts';

const PLAIN = picocolors.createColors(false);
const COLORED = picocolors.createColors(true);
const API = 'https://latchkey.example/';
const STEP: StepView = {
  stepId: 's1',
  workflowId: 'step/ada/s1',
  mcpServerId: 'ledger',
  account: 'default',
  tool: 'create_invoice',
  mode: 'fully-automated',
  status: 'running',
  timeline: [{ at: '2026-04-01T09:00:00.000Z', event: 'started' }],
  createdAt: '2026-04-01T09:00:00.000Z',
  updatedAt: '2026-04-01T09:00:01.000Z',
};

describe('what a pause waits for', () => {
  test('is a connection, with its link', () => {
    const connectUrl = 'https://latchkey.example/connect/ledger?step=s1';
    expect(
      pause({ awaitingInputReason: 'needs-oauth-reauth', connectUrl, connectionReason: 'not-connected' }),
    ).toEqual(['Needs a connection (needs-oauth-reauth)', `Connect ledger: ${connectUrl}`]);
    const ended = pause({
      awaitingInputReason: 'needs-oauth-scope',
      account: 'work',
      connectUrl,
      connectionReason: 'token-rejected',
      requiredScopes: ['a', 'b'],
    });
    expect(ended).toEqual([
      'Needs more access (needs-oauth-scope)',
      'The server no longer accepts the access.',
      'Scopes: a b',
      `Connect ledger, account work: ${connectUrl}`,
    ]);
  });

  test('is each connection of a listing', () => {
    const awaitingInputReason = 'needs-oauth-reauth';
    const connections = ['a', 'b'].map((mcpServerId) => ({
      mcpServerId,
      account: 'default',
      awaitingInputReason: 'needs-oauth-reauth' as const,
      connectUrl: `https://l/${mcpServerId}`,
    }));
    expect(pause({ kind: 'listing', awaitingInputReason, connections }).slice(1)).toEqual([
      'Connect a: https://l/a',
      'Connect b: https://l/b',
    ]);
  });

  test('is a decision, with the page and the commands for it', () => {
    expect(pause({ awaitingInputReason: 'needs-approval' })).toEqual([
      'Needs your approval (needs-approval)',
      'Decide: https://latchkey.example/step/s1',
      '    or: latchkey steps approve s1',
      '    or: latchkey steps reject s1',
    ]);
    expect(pause({ awaitingInputReason: 'outcome-unknown' }).at(-1)).toBe(
      '    or: latchkey steps resolve s1 retry|succeed|fail',
    );
  });

  test('is nothing when the step is not paused', () => {
    expect(pauseLines(STEP, API)).toEqual([]);
  });

  function pause(members: Partial<StepView>): string[] {
    return pauseLines({ ...STEP, status: 'awaiting-input', ...members }, API);
  }
});

describe('a list of steps', () => {
  test('is a line a step in a pipe, with all columns', () => {
    expect(stepsTable([STEP], false, PLAIN)).toBe(stepRow(STEP));
    expect(stepRow({ ...STEP, title: 'a\tb' })).toBe(
      's1\trunning\t\tledger\tdefault\tcreate_invoice\ta b\t2026-04-01T09:00:01.000Z\n',
    );
    expect(stepsTable([], false, PLAIN)).toBe('');
  });

  test('is a table for a person, without empty columns', () => {
    const failed: StepView = { ...STEP, status: 'error', error: { code: 'tool-error', message: 'No.' } };
    expect(stepsTable([STEP, failed], true, PLAIN)).toBe(
      [
        'step  status   reason      server  account  tool            changed',
        's1    running              ledger  default  create_invoice  2026-04-01T09:00:01.000Z',
        's1    error    tool-error  ledger  default  create_invoice  2026-04-01T09:00:01.000Z',
        '',
      ].join('\n'),
    );
    expect(stepsTable([], true, PLAIN)).toBe('No steps.\n');
  });

  test('is aligned in colours too', () => {
    const esc = String.fromCharCode(27);
    const colored = stepsTable([STEP], true, COLORED);
    expect(colored).toContain(`${esc}[36mrunning`);
    expect(colored.replaceAll(new RegExp(`${esc}\\[\\d+m`, 'g'), '')).toBe(stepsTable([STEP], true, PLAIN));
  });

  test('has no colours in a pipe', () => {
    expect(colorsOf({ isTTY: false }).red('a')).toBe('a');
    expect(colorsOf({}).red('a')).toBe('a');
  });
});

describe('a step', () => {
  test('is shown with its result, its timeline, and nothing that a terminal would obey', () => {
    const report = stepReport(
      {
        ...STEP,
        status: 'error',
        tool: 'cre\u001b[2Jate',
        error: { code: 'tool-error', message: 'The tool answered with an error.', serverMessage: 'x\u001by' },
        result: { content: [{ type: 'text', text: 'two\nlines\u001b[2J' }] },
        timeline: [...STEP.timeline, { at: '2026-04-01T09:00:01.000Z', event: 'finished', status: 'error' }],
      },
      API,
      PLAIN,
    );
    expect(report).toContain('Failed: The tool answered with an error. (tool-error)\n');
    expect(report).toContain('\nResult\n  two\n  lines [2J\n');
    expect(report).toContain('  2026-04-01T09:00:01.000Z  finished  status=error\n');
    expect(report).not.toContain('\u001b');
  });

  test('shows the arguments that wait for approval', () => {
    const paused: StepView = {
      ...STEP,
      status: 'awaiting-input',
      awaitingInputReason: 'needs-approval',
      pending: { arguments: { amount: 10 } },
    };
    expect(stepReport(paused, API, PLAIN)).toContain('\nArguments\n  {\n    "amount": 10\n  }\n');
  });

  test('says how it stands in one line', () => {
    expect(statusLine(STEP)).toBe('Running');
    expect(statusLine({ status: 'skipped' })).toBe('Rejected');
  });
});

describe('a result', () => {
  test('is its texts; what is not text is named', () => {
    const image = { type: 'image', mimeType: 'image/png', data: 'AAAA' };
    const link = { type: 'resource_link', uri: 'file:///a', name: 'a' };
    expect(resultText({ content: [{ type: 'text', text: 'a' }, image, link] })).toBe(
      'a\n[image image/png, 4 characters of base64]\n[resource_link file:///a]',
    );
  });

  test('is its structured content where there is no other, and its warnings', () => {
    expect(resultText({ content: [], structuredContent: { a: 1 }, warnings: ['a is rounded.'] })).toBe(
      '{\n  "a": 1\n}\nWarning: a is rounded.',
    );
  });
});
