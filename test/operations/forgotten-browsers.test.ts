import { test as base, expect } from 'vitest';
import { keepWatching, readChanges } from '../../src/changes/watched-user-store.ts';
import { createPool } from '../../src/db/pool.ts';
import { wipeUser } from '../../src/operations/wipe-user.ts';
import { deleteExpiredSignIns } from '../../src/web/oidc/sign-in-store.ts';
import { createWebSessions, deleteExpiredSessions } from '../../src/web/session-store.ts';
import { createSignInLinks, deleteExpiredSignInLinks } from '../../src/web/sign-in-link-store.ts';
import { closedAfter } from '../support/closed-after.ts';
import { createTestDatabase } from '../support/database.ts';

async function openStores() {
  const database = await createTestDatabase();
  const pool = createPool({ databaseUrl: database.url, size: 2, onIdleError: () => {} });
  const close = async () => {
    await pool.end();
    await database.drop();
  };
  return { pool, sessions: createWebSessions(pool), links: createSignInLinks(pool), close };
}

const test = base.extend(
  'stores',
  closedAfter(openStores, ({ close }) => close()),
);

test("forgetting a user signs every browser out and makes the user's links useless, and only those", async ({
  stores,
}) => {
  const { pool, sessions, links } = stores;
  const mine = [
    await sessions.begin({ userId: 'ada', isAdmin: true }),
    await sessions.begin({ userId: 'ada', isAdmin: false }),
  ];
  const other = await sessions.begin({ userId: 'bob', isAdmin: false });
  const [link, otherLink] = [await links.create({ userId: 'ada' }), await links.create({ userId: 'bob' })];

  await keepWatching(pool, ['ada', 'bob']);

  const wiped = await wipeUser(pool, 'ada', 0);

  expect(wiped).toMatchObject({ webSessions: 3 });
  for (const id of mine) expect(await sessions.find(id)).toBeUndefined();
  expect(await links.use(link.token)).toBeUndefined();
  expect(await sessions.find(other)).toEqual({ userId: 'bob', isAdmin: false });
  expect(await links.use(otherLink.token)).toEqual({ userId: 'bob' });
  expect([...(await readChanges(pool, ['ada', 'bob'])).keys()]).toEqual(['bob']);
  expect(await wipeUser(pool, 'ada', 0)).toMatchObject({ webSessions: 0 });
});

test('expired sessions, links and sign-ins are deleted, and no others', async ({ stores }) => {
  const { pool, sessions, links } = stores;
  for (const userId of ['idle', 'old', 'live']) {
    await sessions.begin({ userId, isAdmin: false });
    await links.create({ userId });
    await pool.query(
      `INSERT INTO mcp_oidc_sign_in (state_hash, browser_hash, sign_in_jwe) VALUES ($1, 'b', 'x')`,
      [userId],
    );
  }
  await pool.query(
    "UPDATE mcp_web_session SET last_used_at = now() - interval '12 hours' WHERE user_id = 'idle'",
  );
  await pool.query("UPDATE mcp_web_session SET created_at = now() - interval '7 days' WHERE user_id = 'old'");
  await pool.query(
    "UPDATE mcp_sign_in_link SET created_at = now() - interval '60 seconds' WHERE user_id <> 'live'",
  );
  await pool.query(
    "UPDATE mcp_oidc_sign_in SET created_at = now() - interval '10 minutes' WHERE state_hash <> 'live'",
  );

  const deleted = [deleteExpiredSessions, deleteExpiredSignInLinks, deleteExpiredSignIns].map((remove) =>
    remove(pool),
  );

  expect(await Promise.all(deleted)).toEqual([2, 2, 2]);
  const { rows } = await pool.query(
    `SELECT user_id FROM mcp_web_session UNION ALL SELECT user_id FROM mcp_sign_in_link
     UNION ALL SELECT state_hash FROM mcp_oidc_sign_in`,
  );
  expect(rows).toEqual([{ user_id: 'live' }, { user_id: 'live' }, { user_id: 'live' }]);
});
