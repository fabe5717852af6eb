import { describe, expect, test } from 'vitest';
import { modeOf, unknownTools } from '../../src/agents/modes.ts';

describe('the mode of a tool', () => {
  test.each([
    [undefined, 'create_invoice', 'fully-automated'],
    [{}, 'create_invoice', 'fully-automated'],
    [{ default: 'confirm-destructive' }, 'create_invoice', 'confirm-destructive'],
    [
      { tools: { create_invoice: 'automated-with-confirmation' } },
      'create_invoice',
      'automated-with-confirmation',
    ],
    [{ tools: { create_invoice: 'automated-with-confirmation' } }, 'list_invoices', 'fully-automated'],
    [{ default: 'confirm-destructive', tools: { a: 'fully-automated' } }, 'a', 'fully-automated'],
    [{ default: 'confirm-destructive' }, 'constructor', 'confirm-destructive'],
  ] as const)('of %o for %s is %s', (modes, tool, mode) => {
    expect(modeOf(modes, tool)).toBe(mode);
  });
});

test('names of modes that no tool has are found', () => {
  const modes = { tools: { create_invoce: 'automated-with-confirmation', ping: 'fully-automated' } } as const;

  expect(unknownTools(modes, [{ name: 'create_invoice' }, { name: 'ping' }])).toEqual(['create_invoce']);
  expect(unknownTools(undefined, [])).toEqual([]);
});
