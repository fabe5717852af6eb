import { describe, expect, test } from 'vitest';
import { fromLibreChat } from '../../../src/commands/import/from-librechat.ts';
import { createLibreChatCipher } from '../../../src/commands/import/librechat-cipher.ts';
import { toEntry } from '../../../src/commands/import/to-entry.ts';
import { candidatesIn, NO_MAPS } from './collect.ts';
import { ADA, BOB, CREDS_KEY, client, document, encrypted } from './librechat-export.ts';

const decrypt = createLibreChatCipher(CREDS_KEY) ?? (() => undefined);
const found = (records: readonly object[], maps = {}) =>
  candidatesIn(fromLibreChat({ ...NO_MAPS, ...maps, decrypt }), records);

const CLIENT_FIELDS = {
  tokenEndpoint: 'https://as.example/token',
  issuer: 'https://as.example',
  resource: 'https://ledger.example/mcp',
  clientId: 'registered',
};

describe('the documents of a connection of LibreChat', () => {
  test('become one deposit, under the line of the refresh token', async () => {
    const candidates = await found([
      document('mcp_oauth', 'at-1'),
      client(),
      document('mcp_oauth_refresh', 'rt-1'),
    ]);
    expect(candidates).toEqual([
      {
        kind: 'candidate',
        line: 3,
        userId: ADA,
        body: {
          mcpServerId: 'ledger',
          refreshToken: 'rt-1',
          accessToken: 'at-1',
          expiresIn: expect.any(Number),
          ...CLIENT_FIELDS,
        },
      },
    ]);
    expect(candidates.map((one) => one.kind === 'candidate' && toEntry(one).kind)).toEqual(['entry']);
  });

  test('are told apart by user and server, in any order within a user', async () => {
    const candidates = await found([
      { ...document('mcp_oauth', 'x'), type: 'verify_email' },
      document('mcp_oauth_refresh', 'rt-notes', { server: 'notes' }),
      client(),
      document('mcp_oauth_refresh', 'rt-ledger'),
      client({ server: 'unused' }),
      document('mcp_oauth_refresh', 'rt-bob', { user: BOB }),
    ]);
    expect(candidates).toMatchObject([
      { line: 2, userId: ADA, body: { mcpServerId: 'notes', refreshToken: 'rt-notes' } },
      { line: 4, userId: ADA, body: { mcpServerId: 'ledger', refreshToken: 'rt-ledger', ...CLIENT_FIELDS } },
      { line: 6, userId: BOB, body: { refreshToken: 'rt-bob' } },
    ]);
  });

  test('may be in canonical Extended JSON; of two documents the newer one counts', async () => {
    const expiring = (ms: number) => ({ expiresAt: { $date: { $numberLong: String(ms) } } });
    const candidates = await found([
      document('mcp_oauth_refresh', 'rt-new', expiring(2_000)),
      document('mcp_oauth_refresh', 'rt-old', expiring(1_000)),
      // Expired: the deposit has no access token.
      document('mcp_oauth', 'at-1', expiring(1_000)),
    ]);
    expect(candidates).toMatchObject([{ line: 1, body: { mcpServerId: 'ledger', refreshToken: 'rt-new' } }]);
    expect(candidates[0]).not.toHaveProperty('body.accessToken');
  });

  test('take what is missing from the map, and the user from the user map', async () => {
    const targets = new Map([['ledger', { mcpServerId: 'books', tokenEndpoint: 'https://as.example/t' }]]);
    const maps = { targets, users: new Map([[ADA, 'ada']]), defaults: { clientId: 'app' } };
    expect(await found([document('mcp_oauth_refresh', 'rt-1')], maps)).toMatchObject([
      { userId: 'ada', body: { ...targets.get('ledger'), clientId: 'app', refreshToken: 'rt-1' } },
    ]);
  });

  test('of two consents are not joined', async () => {
    const of = (id: string) => ({ metadata: { credential_set_id: id } });
    const refresh = document('mcp_oauth_refresh', 'rt-1', of('a'));
    expect(await found([refresh, client(of('b'))])).toMatchObject([{ line: 1, code: 'mixed-credentials' }]);
    expect(await found([refresh, document('mcp_oauth', 'at-1', of('b'))])).toMatchObject([
      { body: { refreshToken: 'rt-1' } },
    ]);
  });

  test.for([
    ['no-refresh-token', document('mcp_oauth', 'at-1')],
    ['undecryptable', { ...document('mcp_oauth_refresh', ''), token: encrypted('rt-1', 'ab'.repeat(32)) }],
    ['undecryptable', { ...document('mcp_oauth_refresh', ''), token: 'rt-1' }],
    ['invalid-record', { ...document('mcp_oauth_refresh', ''), identifier: 'rt-1' }],
    ['invalid-record', { ...document('mcp_oauth_refresh', ''), userId: 'rt-1' }],
  ] as const)('fail as %s, without a value', async ([code, record]) => {
    const failures = await found([record]);
    expect(failures).toMatchObject([{ kind: 'failed', line: 1, code }]);
    expect(JSON.stringify(failures)).not.toMatch(/rt-1|at-1/);
  });

  test('fail alone, whatever is wrong with them', async () => {
    const users = {
      get: (user: string) => {
        if (user === ADA) throw new Error('a mistake');
        return user;
      },
    };
    const records = [ADA, BOB].map((user) => document('mcp_oauth_refresh', 'rt', { user }));
    expect(await found(records, { users })).toMatchObject([
      { kind: 'failed', line: 1, code: 'invalid-record' },
      { kind: 'candidate', line: 2 },
    ]);
  });

  test('that fail their schema are reported one by one, however many they are', async () => {
    const broken = { ...document('mcp_oauth_refresh', ''), userId: 'x' };
    const records = [...Array(10_050).fill(broken), document('mcp_oauth_refresh', 'rt')];
    const all = await found(records);
    expect(all).toHaveLength(10_051);
    expect(all.map(({ line }) => line)).toEqual(records.map((_, index) => index + 1));
    expect(all.at(-1)).toMatchObject({ kind: 'candidate' });
  });

  test('must be sorted by user', async () => {
    const records = [BOB, ADA].map((user) => document('mcp_oauth_refresh', 'rt', { user }));
    await expect(found(records)).rejects.toThrow('Line 2: the documents must be sorted by userId');
  });
});

test('a key of another form is no key', () => {
  for (const key of ['', 'ab', 'g'.repeat(64), 'ab'.repeat(16)]) {
    expect(createLibreChatCipher(key)).toBeUndefined();
  }
});
