import { readdirSync, readFileSync } from 'node:fs';
import { Script } from 'node:vm';
import { expect, test } from 'vitest';
import { SCRIPT, scriptPath } from '../../src/web/script.ts';

const FOLDER = new URL('../../src/web/script/', import.meta.url);

test('the script is one closure of all its files, which a browser can read', () => {
  expect(() => new Script(SCRIPT)).not.toThrow();
  expect(SCRIPT).not.toMatch(/^(import|export) /m);
  for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.js'))) {
    const source = readFileSync(new URL(file, FOLDER), 'utf8');
    const [declared = ''] =
      source.match(/^(?:export )?(?:async )?function \w+|^export const \w+|^const \w+/m) ?? [];
    expect(declared).not.toBe('');
    expect([file, SCRIPT.includes(declared.replace('export ', ''))]).toEqual([file, true]);
  }
});

test('the script keeps the licence of what it contains', () => {
  expect(SCRIPT).toContain('Zero-Clause BSD');
});

test('the path of the script names its text', () => {
  expect(scriptPath()).toMatch(/^\/assets\/latchkey-[\w-]{16}\.js$/);
});
