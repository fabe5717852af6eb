import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { configOf, MINIMAL, problemsOf } from './config-fixture.ts';

describe('EGRESS_PROXY', () => {
  const proxyOf = (EGRESS_PROXY: string) =>
    configOf('worker', { ...MINIMAL, EGRESS_PROXY }).egressProxy?.reveal();

  test.each([
    ['http://proxy.internal:3128', 'http://proxy.internal:3128', undefined],
    ['https://proxy.internal/', 'https://proxy.internal', undefined],
    ['http://[fd12::1]:3128', 'http://[fd12::1]:3128', undefined],
    ['http://user:p%40ss@proxy:3128', 'http://proxy:3128', `Basic ${btoa('user:p@ss')}`],
    ['http://token@proxy:3128', 'http://proxy:3128', `Basic ${btoa('token:')}`],
  ])('is the proxy %s', (value, origin, authorization) => {
    expect(proxyOf(value)).toEqual({ origin, authorization });
  });

  test.each([
    'proxy.internal:3128',
    'socks5://proxy.internal:1080',
    'http://proxy.internal:3128/path',
    'http://proxy.internal:3128?',
    'http://proxy.internal:99999',
    'http://us%3Aer:pass@proxy.internal',
    'http://user:100%@proxy.internal',
    'http://user:%0d%0a@proxy.internal',
  ])('is not %s', (value) => {
    for (const role of ['worker', 'server'] as const)
      expect(Object.keys(problemsOf(role, { ...MINIMAL, EGRESS_PROXY: value }))).toEqual(['EGRESS_PROXY']);
  });

  test('shows its password neither in problems nor where the configuration is logged', () => {
    const wrong = problemsOf('worker', { ...MINIMAL, EGRESS_PROXY: 'http://u:geheim@proxy/x' });
    expect(JSON.stringify(wrong)).not.toContain('geheim');
    const config = configOf('server', { ...MINIMAL, EGRESS_PROXY: 'http://u:geheim@proxy' });
    expect(inspect(config) + JSON.stringify(config)).not.toMatch(/geheim|Basic/);
  });
});
