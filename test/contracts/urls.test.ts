import { describe, expect, test } from 'vitest';
import { isPlainUrl, isRegistrableUrl } from '../../src/contracts/urls.ts';
import { REWRITTEN } from '../http/ambiguous-urls.ts';

describe('a URL that is registered or deposited', () => {
  test.each(REWRITTEN)('is refused if a server on the way may rewrite it: %s', (url) => {
    expect(isRegistrableUrl(url)).toBe(false);
  });

  test.each([
    'https://as.example',
    'https://as.example?a=b',
    'https://as.example:8443/~token;v=1,2/a.b/..c/...',
    "https://as.example/%20/@:!$&'()*+,;=-_?x=%2e%2e%2f&y=/../?@",
    'https://[2606:4700::1111]/token',
    'http://127.0.0.1:3000/mcp',
    'urn:example:resource:1',
    'app://[::1]/resource',
  ])('is accepted if all read it alike: %s', (url) => {
    expect(isRegistrableUrl(url)).toBe(true);
  });

  test.each(['urn:example:{1}', 'urn:example:%zz', 'app://resource/"'])(
    'has the characters of RFC 3986 under other schemes, too: %s',
    (url) => {
      expect(isRegistrableUrl(url)).toBe(false);
    },
  );

  test('stays usable for requests if it was stored before', () => {
    for (const url of ['https://as.example/a/../b', 'https://as.example/{}', 'https://as.example/a%2fb']) {
      expect(isPlainUrl(url)).toBe(true);
    }
  });
});
