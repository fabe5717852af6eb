import { expect, test } from 'vitest';
import { isOwnPath, returnAddress } from '../../src/web/return-address.ts';

const RULES = {
  publicUrl: 'https://latchkey.example/mcp',
  origins: ['https://app.example', 'http://127.0.0.1:8080'],
};

test.for([
  ['/', 'https://latchkey.example/mcp/'],
  [
    '/connect/notes?step=s1&account=a%20b',
    'https://latchkey.example/mcp/connect/notes?step=s1&account=a%20b',
  ],
  ['https://app.example/done?a=1#b', 'https://app.example/done?a=1#b'],
  ['https://app.example', 'https://app.example/'],
  ['HTTPS://APP.example/x', 'https://app.example/x'],
  ['http://127.0.0.1:8080/x', 'http://127.0.0.1:8080/x'],
] as const)('%s leads to %s', ([text, address]) => {
  expect(returnAddress(text, RULES)).toBe(address);
});

test.for([
  '',
  'connect/notes',
  '//evil.example',
  '/\\evil.example',
  '\\\\evil.example',
  '/a\\b',
  '/\t/evil.example',
  '/\n/evil.example',
  ' /x',
  '/x y',
  '/ü',
  'https://evil.example/',
  'https://app.example.evil.example/',
  'https://app.example@evil.example/',
  'https://evil.example\\@app.example/',
  'https://user@app.example/',
  'https://user:password@app.example/',
  'https://app.example:8443/',
  'http://app.example/',
  'https:app.example/x',
  'https:/\\evil.example',
  'https://app.example\n.evil.example/',
  'javascript:alert(1)',
  'data:text/html,x',
  '//app.example/',
  `/${'x'.repeat(2048)}`,
  `https://app.example/${'x'.repeat(2048)}`,
])('%j leads nowhere', (text) => {
  expect(returnAddress(text, RULES)).toBeUndefined();
  expect(isOwnPath(text)).toBe(false);
});

test('a path stays on the host of PUBLIC_URL, whatever it holds', () => {
  for (const path of [
    '/../..',
    '/..//evil.example',
    '/@evil.example',
    '/%5cevil.example',
    '/%2f%2fevil',
    '/:8443/',
  ]) {
    const address = returnAddress(path, RULES);
    expect(address === undefined ? undefined : new URL(address).origin).toBe('https://latchkey.example');
  }
});
