import { h } from 'preact';
import { render } from 'preact-render-to-string';
import { expect, test, vi } from 'vitest';
import type { ToolResult } from '../../src/contracts/step.ts';
import { readerOf } from '../../src/web/reader.ts';
import { Result } from '../../src/web/step/result.tsx';

function rendered(result: object): string {
  const frame = { base: '', reader: readerOf('en', 'UTC') };
  // A server may answer anything.
  return render(h(Result, { frame, stepId: 's', result: result as ToolResult }));
}

test.each(['abc', 7, null, { length: 3 }])('warnings that are no list are not shown: %j', (warnings) => {
  expect(rendered({ content: [], warnings })).toContain('Result');
});

test('structured content is written once, however many texts there are', () => {
  const structuredContent = { a: Array.from({ length: 1_000 }, () => 1) };
  const text = JSON.stringify(structuredContent, null, 1);
  const content = [
    { type: 'text', text },
    ...Array.from({ length: 49 }, () => ({ type: 'text', text: '[7]' })),
  ];
  const stringify = vi.spyOn(JSON, 'stringify');
  const html = rendered({ content, structuredContent });
  const times = stringify.mock.calls.filter(([value]) => value === structuredContent).length;
  stringify.mockRestore();
  expect(times).toBe(1);
  expect(html).not.toContain('&quot;a&quot;:');
  expect(html.match(/\[7\]/g)).toHaveLength(49);
});

test('large structured content is compared with no text', () => {
  const structuredContent = { a: Array.from({ length: 100_000 }, () => 1) };
  const stringify = vi.spyOn(JSON, 'stringify');
  rendered({ content: [{ type: 'text', text: '1' }], structuredContent });
  const times = stringify.mock.calls.filter(([value]) => value === structuredContent).length;
  stringify.mockRestore();
  expect(times).toBe(0);
});
