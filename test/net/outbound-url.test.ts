import { describe, expect, test } from 'vitest';
import { type OutboundUrlRules, parseOutboundUrl } from '../../src/net/outbound-url.ts';

const USER: OutboundUrlRules = { policy: 'public', addressFrom: 'user' };
const ADMIN: OutboundUrlRules = { policy: 'public', addressFrom: 'admin' };
const DEVELOPMENT: OutboundUrlRules = { policy: 'development', addressFrom: 'user' };

function verdict(url: string, rules: OutboundUrlRules): string {
  const parsed = parseOutboundUrl(url, rules);
  return parsed.kind === 'accepted' ? parsed.url.href : parsed.code;
}

describe('an outbound address, judged without DNS', () => {
  test.each([
    ['https://auth.example.com/token?a=b', 'https://auth.example.com/token?a=b'],
    ['https://auth.example.com:8443/token', 'https://auth.example.com:8443/token'],
    ['https://93.184.215.14/', 'https://93.184.215.14/'],
    ['http://auth.example.com/token', 'scheme-refused'],
    ['ftp://auth.example.com/', 'scheme-refused'],
    ['file:///etc/passwd', 'scheme-refused'],
    ['data:text/plain,x', 'scheme-refused'],
    ['gopher://127.0.0.1:6379/_', 'scheme-refused'],
    ['https://user:secret@auth.example.com/', 'userinfo-refused'],
    ['https://user@auth.example.com/', 'userinfo-refused'],
    ['https://auth.example.com@evil.example/', 'userinfo-refused'],
    ['not a url', 'invalid-url'],
    ['/token', 'invalid-url'],
    ['', 'invalid-url'],
    ['https://auth.example.com/token#fragment', 'invalid-url'],
    ['https://auth.example.com/token#', 'invalid-url'],
    ['https://[fe80::1%25eth0]/', 'invalid-url'],
    ['https://1.2.3.4.5/', 'invalid-url'],
    ['https://127.0.0.1/', 'address-refused'],
    ['https://127.0.0.1./', 'address-refused'],
    ['https://127.1/', 'address-refused'],
    ['https://2130706433/', 'address-refused'],
    ['https://0x7f000001/', 'address-refused'],
    ['https://0x7f.0.0.1/', 'address-refused'],
    ['https://017700000001/', 'address-refused'],
    ['https://0177.0.0.1/', 'address-refused'],
    ['https://①②⑦.0.0.1/', 'address-refused'],
    ['https://0/', 'address-refused'],
    ['https://[::1]/', 'address-refused'],
    ['https://[::ffff:127.0.0.1]/', 'address-refused'],
    ['https://[64:ff9b::7f00:1]/', 'address-refused'],
    ['https://10.0.0.1/', 'address-refused'],
    ['https://[fd12::1]/', 'address-refused'],
    ['https://169.254.169.254/latest/meta-data/', 'address-refused'],
    ['https://localhost/', 'address-refused'],
    ['https://LOCALHOST./', 'address-refused'],
    ['https://api.localhost/', 'address-refused'],
    ['https://[::1.2.3.4]/', 'address-refused'],
    ['https://2852039166/', 'address-refused'],
    ['https://0xa9fea9fe/', 'address-refused'],
    ['https://0251.0376.0251.0376/', 'address-refused'],
    ['https://[::ffff:a9fe:a9fe]/', 'address-refused'],
  ])('from a user in public: %s → %s', (url, expected) => {
    expect(verdict(url, USER)).toBe(expected);
  });

  test.each([
    'https://auth.example.com\\@evil.example/',
    'https:\\\\auth.example.com/',
    'https://auth.example.com/a\\b',
    'https://auth.example.com/?a\\b',
    'https:/auth.example.com/',
    'https:auth.example.com',
    'https:///auth.example.com/',
    ' https://auth.example.com/',
    'https://auth.example.com/ ',
    '\thttps://auth.example.com/',
    'https://auth.exam\tple.com/',
    'https://auth.example.com/a\nb',
    'https://auth.example.com/a b',
    'https://auth.example.com/\u0000',
    'https://auth.example.com\u00a0/',
    'https://b\u00fccher.example/',
    'https://auth\u3002example.com/',
    'https://ex\u00adample.com/',
    'https://auth.example.com/\u00fc',
    'https://%61uth.example.com/',
    'https://auth%2eexample.com/',
    'https://auth.example.com:/',
    'https://auth.example.com:0443/',
    'https://auth.example.com./',
    'https://@auth.example.com/',
    'https://134744072/',
    'https://8.8.2056/',
    'https://0x8.8.8.8/',
    'https://auth.example.com/a/%2e%2e/b',
    'https://auth.example.com/.%2E',
  ])('that two parsers may read differently is refused: %j', (url) => {
    for (const rules of [USER, ADMIN, DEVELOPMENT]) expect(verdict(url, rules)).toBe('invalid-url');
  });

  test.each([
    'https://AUTH.example.com/token',
    'https://auth.example.com',
    'https://auth.example.com?a=b',
    'https://auth.example.com/a/../b',
    'https://xn--bcher-kva.example/token',
    'https://auth_2.example.com/token',
    "https://auth.example.com/a.b/..c/%20?x=%2e%2e&y=/../'(z)",
    'https://[2606:4700:4700:0:0:0:0:1111]/token',
    'https://93.184.215.14:8443/~token;v=1,2',
  ])('that all parsers read alike is accepted: %s', (url) => {
    expect(verdict(url, USER)).toBe(new URL(url).href);
  });

  test.each([
    ['https://10.0.0.1/mcp', 'https://10.0.0.1/mcp'],
    ['https://[fd12::1]/mcp', 'https://[fd12::1]/mcp'],
    ['http://10.0.0.1/mcp', 'scheme-refused'],
    ['https://127.0.0.1/mcp', 'address-refused'],
    ['https://localhost/mcp', 'address-refused'],
    ['https://[fd00:ec2::254]/', 'address-refused'],
    ['https://[fd00:ec2::23]/', 'address-refused'],
    ['https://[fd20:ce::254]/', 'address-refused'],
    ['https://[::ffff:100.100.100.200]/', 'address-refused'],
    ['https://1684301000/', 'address-refused'],
    ['https://100.100.100.200/', 'address-refused'],
  ])('from an admin in public: %s → %s', (url, expected) => {
    expect(verdict(url, ADMIN)).toBe(expected);
  });

  test.each([
    ['http://localhost:3000/mcp', 'http://localhost:3000/mcp'],
    ['http://127.0.0.1:3000/mcp', 'http://127.0.0.1:3000/mcp'],
    ['https://[::1]/mcp', 'https://[::1]/mcp'],
    ['http://10.0.0.1/', 'address-refused'],
    ['http://169.254.169.254/', 'address-refused'],
    ['http://0.0.0.0/', 'address-refused'],
    ['ws://localhost/', 'scheme-refused'],
  ])('from a user in development: %s → %s', (url, expected) => {
    expect(verdict(url, DEVELOPMENT)).toBe(expected);
  });
});
