import { describe, expect } from 'vitest';
import {
  deleteUnwatched,
  deleteWatchOf,
  keepWatching,
  noteChanges,
  readChanges,
  watchUser,
} from '../../src/changes/watched-user-store.ts';
import { inTransaction } from '../../src/db/pool.ts';
import { createWebSessions } from '../../src/web/session-store.ts';
import { changesTest as test } from './fixtures.ts';

describe('a change', () => {
  test('is written for a watched user, and for nobody else', async ({ db: { pool, noted } }) => {
    await noteChanges(pool, ['ada', 'bob']);
    expect(await noted()).toBe(0);
    expect((await pool.query('SELECT FROM mcp_watched_user')).rowCount).toBe(0);

    const before = await watchUser(pool, 'ada');
    await noteChanges(pool, ['ada', 'bob']);
    expect(await readChanges(pool, ['ada', 'bob'])).toEqual(new Map([['ada', String(Number(before) + 1)]]));
  });

  test('has a number that the user never had before, also after the row was deleted', async ({
    db: { pool },
  }) => {
    const seen = new Set([await watchUser(pool, 'ada')]);
    await noteChanges(pool, ['ada']);
    seen.add((await readChanges(pool, ['ada'])).get('ada') ?? '');
    await deleteWatchOf(pool, 'ada');
    seen.add(await watchUser(pool, 'ada'));
    expect(seen.size).toBe(3);
  });

  test('does not deadlock with others, whatever the order of the users', async ({ db: { pool } }) => {
    const users = Array.from({ length: 50 }, (_, at) => `u${at}`);
    await keepWatching(pool, users);
    const rounds = Array.from({ length: 40 }, (_, at) => {
      const mixed = at % 2 === 0 ? users : users.toReversed();
      return at % 5 === 0 ? keepWatching(pool, mixed) : noteChanges(pool, mixed);
    });
    await expect(Promise.all(rounds)).resolves.toHaveLength(40);
  });
});

describe('a row that another transaction holds', () => {
  test('stops no note and no watch of others', async ({ db: { pool } }) => {
    const before = await keepWatching(pool, ['ada', 'bob']);
    const { held, after } = await inTransaction(pool, async (holder) => {
      await holder.query("SELECT FROM mcp_watched_user WHERE user_id = 'bob' FOR UPDATE");
      return {
        held: await noteChanges(pool, ['ada', 'bob', 'eve']),
        after: await keepWatching(pool, ['ada', 'bob', 'eve']),
      };
    });

    expect(held).toEqual(['bob']);
    expect([...after.keys()].toSorted()).toEqual(['ada', 'bob', 'eve']);
    expect(after.get('ada')).not.toBe(before.get('ada'));
    expect(after.get('bob')).toBe(before.get('bob'));
  });
});

describe('a watch', () => {
  test('is not written again while it lasts', async ({ db: { pool } }) => {
    const row = async () => (await pool.query('SELECT xmin, * FROM mcp_watched_user')).rows;
    const change = await watchUser(pool, 'ada');
    const before = await row();
    expect(await watchUser(pool, 'ada')).toBe(change);
    expect(await row()).toEqual(before);

    await pool.query("UPDATE mcp_watched_user SET watched_until = now() + interval '40 seconds'");
    expect(await watchUser(pool, 'ada')).toBe(change);
    const { rows } = await pool.query<{ lasts: boolean }>(
      "SELECT watched_until > now() + interval '80 seconds' AS lasts FROM mcp_watched_user",
    );
    expect(rows).toEqual([{ lasts: true }]);
  });

  test('ends by itself', async ({ db: { pool } }) => {
    await keepWatching(pool, ['gone', 'here']);
    await pool.query(
      "UPDATE mcp_watched_user SET watched_until = now() - interval '1 s' WHERE user_id = 'gone'",
    );
    expect(await deleteUnwatched(pool)).toBe(1);
    expect([...(await readChanges(pool, ['gone', 'here'])).keys()]).toEqual(['here']);
  });
});

describe('the database notes by itself', () => {
  const CREDENTIAL = `INSERT INTO mcp_credential
    (user_id, mcp_server_id, server_revision, status, credential_version, token_version)`;
  const SERVER = `INSERT INTO mcp_server (id, url, auth_type, max_result_bytes) VALUES ('s', 'u', 'none', 1)`;

  test.for([
    ['a first deposit', `${CREDENTIAL} VALUES ('ada', 'new', 1, 'connected', 1, 1)`, ['ada']],
    ['a later deposit', "UPDATE mcp_credential SET credential_version = 2 WHERE user_id = 'ada'", ['ada']],
    [
      'a verdict',
      "UPDATE mcp_credential SET status = 'reauth-required', reason = 'invalid-grant' WHERE user_id = 'bob'",
      ['bob'],
    ],
    ['a renewal, which pages do not show', 'UPDATE mcp_credential SET token_version = token_version + 1', []],
    ['a lease', 'UPDATE mcp_credential SET lease_until = now()', []],
    ['a new server', SERVER.replace("'s'", "'t'"), ['ada', 'bob']],
    [
      'a changed server',
      "UPDATE mcp_server SET registration_version = nextval('mcp_server_revision')",
      ['ada', 'bob'],
    ],
    ['a pause', 'UPDATE mcp_server SET paused = true', ['ada', 'bob']],
    ['a rotation of keys', "UPDATE mcp_server SET secret_jwe = 'x'", []],
    ['the removal of a server', 'DELETE FROM mcp_server', ['ada', 'bob']],
  ] as const)('%s', async ([_, statement, changed], { db: { pool } }) => {
    await pool.query(SERVER);
    for (const user of ['ada', 'bob', 'eve'])
      await pool.query(`${CREDENTIAL} VALUES ('${user}', 's', 1, 'connected', 1, 1)`);
    const before = await keepWatching(pool, ['ada', 'bob']);

    await pool.query(statement);

    const after = await readChanges(pool, ['ada', 'bob', 'eve']);
    expect([...after].filter(([user, change]) => before.get(user) !== change).map(([user]) => user)).toEqual(
      changed,
    );
  });

  test('a sign-out', async ({ db: { pool } }) => {
    const sessions = createWebSessions(pool);
    const id = await sessions.begin({ userId: 'ada', isAdmin: false });
    const before = await keepWatching(pool, ['ada', 'bob']);
    await sessions.end(id);
    const after = await readChanges(pool, ['ada', 'bob']);
    expect(after.get('ada')).not.toBe(before.get('ada'));
    expect(after.get('bob')).toBe(before.get('bob'));
  });
});
