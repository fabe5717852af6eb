import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createSecretRedaction, secretsInUrl } from '../../src/net/secret-redaction.ts';
import { createTurns } from '../../src/turns/turns.ts';
import { leastDelay, longestDelay } from '../support/longest-delay.ts';

const SECRET = 'at-7f3a/+secret~"token"';
const bytes = Buffer.from(SECRET);
const percentOf = (text: string) => Buffer.from(text).toString('hex').toUpperCase().replace(/../g, '%$&');
const unicodeOf = (text: string) =>
  Array.from(text, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');

describe('a secret', () => {
  test.each<[string, string]>([
    ['as it is', SECRET],
    ['in JSON', JSON.stringify(SECRET)],
    ['in JSON in JSON, where it needs no escape', JSON.stringify(JSON.stringify('plain-secret'))],
    ['percent-encoded', encodeURIComponent(SECRET)],
    ['percent-encoded in small letters', encodeURIComponent(SECRET).toLowerCase()],
    ['form-encoded', new URLSearchParams({ a: SECRET }).toString()],
    ['in a path', new URL(`https://a.example/${SECRET}`).href],
    ['in hex', bytes.toString('hex')],
    ['in hex in capitals', bytes.toString('hex').toUpperCase()],
    ['percent-encoded in every byte', percentOf('at-7é!')],
    ['percent-encoded in every byte, in small letters', percentOf('at-7é!').toLowerCase()],
    ['in escapes of JSON', unicodeOf('at-7é!')],
    ['in escapes of JSON in capitals', unicodeOf('at-7é!').replace(/[a-f]/g, (digit) => digit.toUpperCase())],
    ['in JSON as PHP writes it', 'at-7f3a\\/+secret~\\"token\\"'],
    ['in JSON as .NET writes it', 'at-7f3a/\\u002Bsecret~\\u0022token\\u0022'],
    ['in HTML', 'at-7f3a/+secret~&quot;token&quot;'],
    ['percent-encoded with `~`', encodeURIComponent(SECRET).replaceAll('~', '%7E')],
    ['in decimal entities', [...'at-7é/<>'].map((c) => `&#${c.codePointAt(0)};`).join('')],
    ['in hexadecimal entities', [...'at-7é/<>'].map((c) => `&#x${c.codePointAt(0)?.toString(16)};`).join('')],
    ['in base64', bytes.toString('base64')],
    ['in base64url', bytes.toString('base64url')],
    ['in base64 behind one byte', Buffer.from(`x${SECRET}`).toString('base64')],
    ['in base64 behind a scheme', Buffer.from(`Bearer ${SECRET}!`).toString('base64')],
  ])('is replaced %s', (_, quoted) => {
    const secrets = createSecretRedaction(SECRET, 'plain-secret', 'at-7é!', 'at-7é/<>');
    expect(secrets.isQuotedIn(quoted)).toBe(true);
    expect(secrets.inText(`a ${quoted} b`)).toMatch(/^a .*\[redacted\].* b$/);
  });

  test('of fewer than six characters is not redacted: too many words contain it', () => {
    expect(createSecretRedaction('12345', ' 1234 ').inText('12345 is no secret of 1234')).toBe(
      '12345 is no secret of 1234',
    );
  });

  test('that is part of another leaves no remainder', () => {
    expect(createSecretRedaction('secret', 'secret-two').inText('secret-two, secret')).toBe(
      '[redacted], [redacted]',
    );
  });
});

describe('secrets that are many, long, and alike', () => {
  const header = Buffer.from('{"alg":"RS256","typ":"JWT"}').toString('base64url');
  const tokens = Array.from({ length: 9 }, () => `${header}.${randomBytes(6_000).toString('base64url')}`);

  test('are all found, and nothing that only begins like them', () => {
    const secrets = createSecretRedaction(...tokens);
    const other = `${header}.${tokens[0]?.slice(40, 900)}`;
    expect(secrets.inText([...tokens, other].join(' '))).toBe(`${'[redacted] '.repeat(9)}${other}`);
    expect(secrets.isQuotedIn(other)).toBe(false);
  });

  // Times of the processor are compared with each other, because a busy machine is slow in both. Time that grew with the
  // square of the text would be 64 times as long.
  test('take time in proportion to the text, also in one of their beginnings', () => {
    const secrets = createSecretRedaction(...tokens);
    const microsecondsOf = (times: number) => {
      const text = `${header}.`.repeat(times);
      const before = process.cpuUsage();
      expect(secrets.inText(text)).toBe(text);
      const { user, system } = process.cpuUsage(before);
      return user + system;
    };
    const fastest = (times: number) => Math.min(...[1, 2, 3, 4, 5].map(() => microsecondsOf(times)));
    const short = fastest(3_000);
    expect(fastest(24_000) / short).toBeLessThan(24);
  });
});

describe('a value', () => {
  test('loses its secrets in texts, names and numbers at any depth, and nothing else', () => {
    const secrets = createSecretRedaction('hunter22', '12345678');
    const value = JSON.parse(
      '{"a":["x hunter22 y",{"hunter22":{"b":true}}],"n":12345678,"m":123456789,"__proto__":{"c":"hunter22"},"z":null}',
    );
    expect(JSON.stringify(secrets.inValue(value))).toBe(
      '{"a":["x [redacted] y",{"[redacted]":{"b":true}}],"n":"[redacted]","m":123456789,"__proto__":{"c":"[redacted]"},"z":null}',
    );
  });

  test('may nest deeper than the call stack', () => {
    const depth = 50_000;
    let deep: unknown[] = ['hunter22'];
    for (let level = 0; level < depth; level += 1) deep = [deep];
    const secrets = createSecretRedaction('hunter22');
    let inner: unknown = secrets.inValue(deep);
    while (Array.isArray(inner)) inner = inner[0];
    expect(inner).toBe('[redacted]');
  });
});

describe('a text of many pieces', () => {
  const PIECE_CHARACTERS = 65_536;
  const secrets = createSecretRedaction('hunter22', 'hunter22-longer', 'x'.repeat(300), 'eins zwei "drei"');
  const forms = [
    'hunter22',
    'hunter22-longer',
    'x'.repeat(300),
    'eins+zwei+%22drei%22',
    'eins zwei \\"drei\\"',
  ];

  test('loses a secret wherever a piece ends in it, in each of its forms', () => {
    for (const form of forms) {
      for (const before of [
        0,
        1,
        Math.floor(form.length / 2),
        form.length - 1,
        form.length,
        form.length + 1,
      ]) {
        const text = `${'.'.repeat(PIECE_CHARACTERS - before)}${form}${'.'.repeat(2 * PIECE_CHARACTERS)}${form}`;
        expect(secrets.inText(text)).toBe(text.replaceAll(form, '[redacted]'));
      }
    }
  });

  test('is redacted like a text in one piece', () => {
    // Many texts that are no longer than a piece: what is found in one does not depend on the text before it.
    const unit = 'hunter22hunter22-longer,hunter2 2,xxxxx';
    const repeated = unit.repeat(Math.ceil((3 * PIECE_CHARACTERS) / unit.length));
    expect(secrets.inText(repeated) === repeated.replace(/hunter22-longer|hunter22/g, '[redacted]')).toBe(
      true,
    );
    const many = 'x'.repeat(300 * 1_000 + 7);
    expect(secrets.inText(many)).toBe('[redacted]'.repeat(1_000) + 'x'.repeat(7));
  });

  test('is redacted in values, names and their neighbours', () => {
    const long = `${'.'.repeat(PIECE_CHARACTERS - 4)}hunter22`;
    const shown = `${'.'.repeat(PIECE_CHARACTERS - 4)}[redacted]`;
    expect(secrets.inValue({ a: [long, 1, { [long]: long }], b: 'hunter22' })).toEqual({
      a: [shown, 1, { [shown]: shown }],
      b: '[redacted]',
    });
  });

  test.each<[string, () => unknown]>([
    ['a long text', () => ({ text: randomBytes(6_000_000).toString('base64') })],
    ['many texts', () => Array.from({ length: 400_000 }, (_, i) => `text ${i}`)],
    ['many numbers', () => Array.from({ length: 400_000 }, (_, i) => i / 7)],
    ['many members', () => Array.from({ length: 300_000 }, (_, i) => ({ [`k${i}`]: i }))],
    ['many empty ones', () => Array.from({ length: 900_000 }, () => ({}))],
  ])('holds the event loop up less than redaction in one go: %s', async (_, create) => {
    const token = randomBytes(600).toString('base64url');
    const found = createSecretRedaction(token, `Bearer ${token}`, randomBytes(20).toString('hex'));
    const value = create();
    const atOnce = await longestDelay(async () => found.inValue(value));
    const own = await leastDelay(() => createTurns().take(found.inValueInPieces(value)), {
      below: atOnce / 2,
    });
    expect(own).toBeLessThan(atOnce / 2);
  });
});

describe('scopes', () => {
  test.each<[string[], string[]]>([
    [
      ['read', 'tok-12345678', 'write'],
      ['read', 'write'],
    ],
    [['x:tok-12345678:y', 'read'], ['read']],
    [['alpha', 'beta', 'gamma', 'read'], ['read']],
    [
      ['alpha', 'read'],
      ['alpha', 'read'],
    ],
    [[Buffer.from('tok-12345678').toString('base64url')], []],
  ])('%j are cut down to %j', (scopes, expected) => {
    expect(createSecretRedaction('tok-12345678', 'alpha beta gamma').inScopes(scopes)).toEqual(expected);
  });
});

describe('an address', () => {
  test('has secrets in its password and its query, decoded and as written', () => {
    expect(secretsInUrl('https://u:p%40ss@a.example/mcp?key=a%2Bb&keyless')).toEqual(
      expect.arrayContaining(['u', 'p%40ss', 'a+b', 'a%2Bb', 'keyless']),
    );
    expect(secretsInUrl('no address')).toEqual([]);
  });
});
