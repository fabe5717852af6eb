import { describe, expect, test } from 'vitest';
import { insufficientScope, parseChallenges } from '../../src/mcp/http/www-authenticate.ts';
import { leastDelay } from '../support/longest-delay.ts';

describe('the challenges of a WWW-Authenticate header', () => {
  test.each([
    [null, []],
    ['', []],
    ['Negotiate', [{ scheme: 'negotiate', params: {} }]],
    ['Negotiate dG9rZW4=', [{ scheme: 'negotiate', params: {} }]],
    ['Bearer realm="a, Basic b=c"', [{ scheme: 'bearer', params: { realm: 'a, Basic b=c' } }]],
    ['bearer Realm = "a" , ERROR=x', [{ scheme: 'bearer', params: { realm: 'a', error: 'x' } }]],
    ['Bearer realm="say \\"hi\\" \\\\"', [{ scheme: 'bearer', params: { realm: 'say "hi" \\' } }]],
    ['Bearer error=a, error=b', [{ scheme: 'bearer', params: { error: 'a' } }]],
    [
      'Basic realm="x", Negotiate abc==, DPoP algs="ES256", Bearer error="invalid_token"',
      [
        { scheme: 'basic', params: { realm: 'x' } },
        { scheme: 'negotiate', params: {} },
        { scheme: 'dpop', params: { algs: 'ES256' } },
        { scheme: 'bearer', params: { error: 'invalid_token' } },
      ],
    ],
    [
      'Basic, Bearer error=x',
      [
        { scheme: 'basic', params: {} },
        { scheme: 'bearer', params: { error: 'x' } },
      ],
    ],
    ['Bearer error="unterminated', [{ scheme: 'bearer', params: {} }]],
    ['Bearer realm="ok", @@@, Basic', [{ scheme: 'bearer', params: { realm: 'ok' } }]],
  ])('%s', (header, expected) => {
    expect(parseChallenges(header)).toEqual(expected);
  });

  test('are read from a long hostile header within a second', async () => {
    const took = await leastDelay(
      async () => {
        parseChallenges(`Bearer ${'a'.repeat(50_000)}"${'\\'.repeat(50_001)}`);
        parseChallenges(`Bearer ${', a=b'.repeat(20_000)}`);
      },
      { below: 1_000 },
    );
    expect(took).toBeLessThan(1_000);
  });
});

describe('the scopes that are missing', () => {
  test.each([
    ['Bearer error="insufficient_scope", scope="a  b"', ['a', 'b']],
    ['Bearer error="insufficient_scope"', []],
    ['Basic error="insufficient_scope"', undefined],
    ['Bearer error="invalid_token", scope="a"', undefined],
    ['Bearer realm="error=\\"insufficient_scope\\""', undefined],
  ])('%s', (header, expected) => {
    expect(insufficientScope(header)).toEqual(expected);
  });
});
