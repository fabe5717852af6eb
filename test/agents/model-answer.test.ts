import { describe, expect, test, vi } from 'vitest';
import type { AgentStepOutcome } from '../../src/agents/agent-step.ts';
import { contentParts } from '../../src/agents/content-parts.ts';
import { type AnswerOptions, answerOf } from '../../src/agents/model-answer.ts';
import {
  type McpStepResult,
  STEP_ERROR_CODES,
  type StepErrorCode,
  type ToolResult,
} from '../../src/contracts/step.ts';

const REFERENCE: AnswerOptions = { stepId: 'agent.1', publicUrl: 'https://latchkey.example/' };
const PAGE = 'https://latchkey.example/step/agent.1';

const ended = (result: McpStepResult) => answerOf({ kind: 'ended', result }, REFERENCE);
const success = (result: ToolResult, options: Partial<AnswerOptions> = {}) =>
  answerOf({ kind: 'ended', result: { status: 'success', result } }, { ...REFERENCE, ...options });
const text = (words: unknown) => ({ kind: 'text', text: words });
const holding = (...words: string[]) => expect.stringMatching(new RegExp(words.map(escaped).join('.*'), 's'));

describe('the answer to a call that succeeded', () => {
  test.each<[string, ToolResult, unknown[]]>([
    ['a text', { content: [{ type: 'text', text: 'seven' }] }, [text('seven')]],
    [
      'an image',
      { content: [{ type: 'image', data: 'QUJD', mimeType: 'image/png' }] },
      [{ kind: 'media', mimeType: 'image/png', data: 'QUJD' }],
    ],
    [
      'a sound',
      { content: [{ type: 'audio', data: 'QUJD', mimeType: 'audio/wav' }] },
      [{ kind: 'media', mimeType: 'audio/wav', data: 'QUJD' }],
    ],
    [
      'a resource of text',
      { content: [{ type: 'resource', resource: { uri: 'file:///a', text: 'b' } }] },
      [text('file:///a:\nb')],
    ],
    [
      'a resource of bytes',
      { content: [{ type: 'resource', resource: { uri: 'file:///a', blob: 'QUJD' } }] },
      [{ kind: 'media', mimeType: 'application/octet-stream', data: 'QUJD' }],
    ],
    [
      'a link',
      { content: [{ type: 'resource_link', uri: 'file:///a', name: 'a' }] },
      [{ kind: 'json', value: { type: 'resource_link', uri: 'file:///a', name: 'a' } }],
    ],
    [
      'what MCP does not know',
      { content: [7, { type: 'text' }, { type: 'image', data: 7 }] },
      [
        { kind: 'json', value: 7 },
        { kind: 'json', value: { type: 'text' } },
        { kind: 'json', value: { type: 'image', data: 7 } },
      ],
    ],
    [
      'structured content alone',
      { content: [], structuredContent: { id: 7 } },
      [{ kind: 'json', value: { id: 7 } }],
    ],
    [
      'structured content beside a summary of it',
      { content: [{ type: 'text', text: 'seven' }], structuredContent: { id: 7 } },
      [text('seven'), { kind: 'json', value: { id: 7 } }],
    ],
    ['nothing', { content: [] }, [text('The tool ran and returned nothing.')]],
    [
      'a warning',
      { content: [{ type: 'text', text: 'seven' }], warnings: ['the result does not match'] },
      [text('seven'), text('Note: the result does not match')],
    ],
  ])('holds %s', (_name, result, parts) => {
    expect(success(result)).toMatchObject({ outcome: 'success', parts });
  });

  test.each(['{"id":7}', '{\n  "id": 7\n}'])('holds structured content once if the text is %j', (words) => {
    const result = { content: [{ type: 'text', text: words }], structuredContent: { id: 7 } };

    expect(success(result)).toEqual({
      outcome: 'success',
      parts: [text(words)],
      structuredContent: { id: 7 },
    });
  });

  test('serializes structured content once, though there are many texts', () => {
    const toJSON = vi.fn(() => ({ id: 7 }));
    const content = Array.from({ length: 100 }, () => ({ type: 'text', text: '{"id":8}' }));

    expect(contentParts({ content, structuredContent: { toJSON } })).toHaveLength(101);
    expect(toJSON).toHaveBeenCalledTimes(1);
  });

  test('refers to a result that is not in the history', () => {
    expect(success({ content: [], stored: { id: 'r1', bytes: 3_000_000 } }).parts).toEqual([
      text(holding('The tool ran', '3000000 bytes', PAGE)),
    ]);
  });

  test('keeps the beginning of a large text, whole characters of it, and a note', () => {
    const { parts, structuredContent } = success(
      { content: [{ type: 'text', text: '€'.repeat(100) }], structuredContent: { id: 7 } },
      { maxInlineBytes: 100 },
    );

    expect(parts).toEqual([
      text(expect.stringMatching(/^€{20,33}$/)),
      text(holding('308 bytes', 'agent.1', PAGE)),
    ]);
    expect(structuredContent).toBeUndefined();
  });

  test('never cuts a character of two UTF-16 units in two', () => {
    for (let maxInlineBytes = 1; maxInlineBytes <= 12; maxInlineBytes += 1) {
      const [beginning] = success({ content: [{ type: 'text', text: '𝄞𝄞𝄞𝄞' }] }, { maxInlineBytes }).parts;
      expect(beginning).toEqual(text(expect.stringMatching(/^(𝄞)*$/u)));
    }
  });

  test('leaves out media and JSON that do not fit, and keeps what follows them', () => {
    const image = { type: 'image', data: 'A'.repeat(200), mimeType: 'image/png' };
    const link = { type: 'resource_link', uri: 'a'.repeat(200) };
    const { parts } = success(
      { content: [image, link, { type: 'text', text: 'seven' }] },
      { maxInlineBytes: 100 },
    );

    expect(parts).toEqual([text('seven'), text(holding('not the whole result'))]);
  });

  test('names the step alone where the address of the pages is not known', () => {
    const result: McpStepResult = {
      status: 'success',
      result: { content: [], stored: { id: 'r', bytes: 9 } },
    };
    const { parts } = answerOf({ kind: 'ended', result }, { stepId: 'agent.1' });

    expect(parts).toEqual([text(expect.not.stringContaining('http'))]);
    expect(parts).toEqual([text(holding('agent.1'))]);
  });
});

describe('the answer to a call that failed', () => {
  const RAN: Record<StepErrorCode, string> = {
    'tool-error': 'ran and failed',
    'unknown-tool': 'did not run',
    'invalid-arguments': 'did not run',
    forbidden: 'does not allow',
    'server-unavailable': 'did not run',
    'protocol-error': 'may or may not have run',
    'result-too-large': 'The tool ran',
    'reauth-timed-out': 'did not run',
    'approval-timed-out': 'did not run',
    'outcome-unknown': 'may or may not have run',
    misconfigured: 'did not run',
  };

  test.each(STEP_ERROR_CODES)('says for %s whether the tool ran, and its code', (code) => {
    const answer = ended({ status: 'error', error: { code, message: 'because of it' } });

    expect(answer).toEqual({ outcome: 'error', parts: [text(holding(code, 'because of it', RAN[code]))] });
  });

  test("holds the server's words", () => {
    const error = {
      code: 'invalid-arguments',
      message: 'refused',
      serverMessage: 'amount is missing',
    } as const;

    expect(ended({ status: 'error', error }).parts).toEqual([text(holding('amount is missing'))]);
  });

  test("holds the tool's own error", () => {
    const result = { content: [{ type: 'text', text: 'no such customer' }] };
    const error = { code: 'tool-error', message: 'the tool answered with an error' } as const;

    expect(ended({ status: 'error', error, result })).toEqual({
      outcome: 'error',
      parts: [text(holding('tool-error')), text('no such customer')],
    });
  });
});

test('a rejection is told with its reason', () => {
  expect(ended({ status: 'skipped', reason: 'too expensive' })).toEqual({
    outcome: 'rejected',
    parts: [text(holding('rejected', 'was not made', 'too expensive'))],
  });
});

describe('the answer to a call that pauses', () => {
  const paused = (pause: object, isKept: boolean) =>
    answerOf({ kind: 'paused', pause: { event: 'paused', ...pause }, isKept } as AgentStepOutcome, REFERENCE)
      .parts[0];
  const LINK = 'https://latchkey.example/connect/ledger';

  test.each([
    [{ awaitingInputReason: 'needs-oauth-reauth', connectUrl: LINK }, ['connect', LINK, 'Make it again']],
    [
      { awaitingInputReason: 'needs-oauth-scope', connectUrl: LINK, requiredScopes: ['read', 'write'] },
      ['more access', 'read write', LINK, 'Make it again'],
    ],
    [{ awaitingInputReason: 'needs-approval' }, ['approve', 'too late to approve it']],
    [{ awaitingInputReason: 'outcome-unknown' }, ['may or may not have run', 'Do not make the call again']],
  ])('says what is missing, where, and that the step has ended: %o', (pause, words) => {
    expect(paused(pause, false)).toEqual(text(holding(pause.awaitingInputReason, ...words)));
  });

  test('says that a kept step runs by itself, and where it is approved', () => {
    expect(paused({ awaitingInputReason: 'needs-approval' }, true)).toEqual(
      text(holding('approve', PAGE, 'is kept', 'made by itself')),
    );
  });

  test('does not say that a kept step with an unknown outcome runs by itself', () => {
    const answer = paused({ awaitingInputReason: 'outcome-unknown' }, true);

    expect(answer).toEqual(text(holding(PAGE, 'not made again by itself', 'what the person decides')));
    expect(answer).not.toEqual(text(holding('will be made by itself')));
  });
});

test.each([
  ['cancelled', 'was cancelled'],
  ['broken', 'without a result'],
] as const)('a step that is %s does not end the agent', (kind, words) => {
  expect(answerOf({ kind }, REFERENCE)).toEqual({
    outcome: 'error',
    parts: [text(holding(words, 'may or may not have run'))],
  });
});

function escaped(words: string): string {
  return words.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}
