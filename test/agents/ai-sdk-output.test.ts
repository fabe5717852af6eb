import { describe, expect, test } from 'vitest';
import type { ModelAnswer } from '../../src/agents/model-answer.ts';
import { modelOutput } from '../../src/ai-sdk.ts';

const success = (...parts: ModelAnswer['parts']) => modelOutput({ outcome: 'success', parts });
const words = { kind: 'text', text: 'INV-1' } as const;
const picture = { kind: 'media', mimeType: 'image/PNG', data: 'iVBORw0=' } as const;
const sound = { kind: 'media', mimeType: 'audio/wav', data: 'UklGRg==' } as const;
const object = { kind: 'json', value: { id: 'INV-1' } } as const;

describe('what the provider is sent of a result', () => {
  test('is text where there is only text', () => {
    expect(success(words)).toEqual({ type: 'text', value: 'INV-1' });
    expect(success(words, words)).toEqual({ type: 'text', value: 'INV-1\nINV-1' });
  });

  test('is JSON where there is only an object', () => {
    expect(success(object)).toEqual({ type: 'json', value: { id: 'INV-1' } });
    expect(success(words, object)).toEqual({ type: 'text', value: 'INV-1\n{"id":"INV-1"}' });
  });

  test('is a list of parts where there is an image', () => {
    expect(success(words, picture, object)).toEqual({
      type: 'content',
      value: [
        { type: 'text', text: 'INV-1' },
        { type: 'file', mediaType: 'image/png', data: { type: 'data', data: 'iVBORw0=' } },
        { type: 'text', text: '{"id":"INV-1"}' },
      ],
    });
  });

  test.each(['audio/wav', 'image/svg+xml', 'application/octet-stream'])(
    'is a note instead of a file of type %s, which providers refuse',
    (mimeType) => {
      expect(success({ ...sound, mimeType }, words)).toEqual({
        type: 'text',
        value: `[A file of type ${mimeType}, which can't be shown here.]\nINV-1`,
      });
    },
  );
});

test.each<[ModelAnswer['outcome'], object]>([
  ['error', { type: 'error-text', value: 'no' }],
  ['rejected', { type: 'execution-denied', reason: 'no' }],
  ['paused', { type: 'text', value: 'no' }],
])('%s is sent as %j', (outcome, output) => {
  expect(modelOutput({ outcome, parts: [{ kind: 'text', text: 'no' }] })).toEqual(output);
});
