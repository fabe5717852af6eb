import { describe, expect, vi } from 'vitest';
import { disconnectCredential } from '../../src/credentials/retirement/disconnect-credential.ts';
import { wipeUser } from '../../src/operations/wipe-user.ts';
import { answerTo, headingOf, type Link } from './connect-fixture.ts';
import { connectTest } from './fixtures.ts';
import { type Reply, tokens } from './scripted-authorization-server.ts';

const withoutRefreshToken = tokens({ refresh_token: undefined });

const test = connectTest
  .extend('browser', ({ fixture }) => fixture.browser())
  .extend('versionOf', ({ fixture }) => async (mcpServerId: string): Promise<unknown> => {
    const { rows } = await fixture.pool.query(
      'SELECT credential_version::int AS version FROM mcp_credential WHERE mcp_server_id = $1',
      [mcpServerId],
    );
    return rows.map(({ version }) => version);
  })
  /** Goes through a flow that the host has to confirm. Returns how the host confirms it. */
  .extend('consentToConfirm', ({ fixture, server, browser }) => async (mcpServerId: string) => {
    const link = await fixture.link(mcpServerId, { confirm: 'host' });
    server.answer('/token', withoutRefreshToken);
    await fixture.comeBack(browser, answerTo(await fixture.press(browser, link.url), server));
    return () => fixture.ask(confirmationOf(link));
  });

function confirmationOf({ connectSessionId }: Link) {
  return { method: 'POST' as const, url: `/connect-sessions/${connectSessionId}/confirm` };
}

/** Keeps token requests waiting. */
function heldTokens(): { reply: Reply; arrived(count: number): Promise<void>; release(): void } {
  const held: (() => void)[] = [];
  return {
    arrived: (count) => vi.waitFor(() => expect(held).toHaveLength(count), { timeout: 20_000 }),
    reply: (response, request) => void held.push(() => withoutRefreshToken(response, request)),
    release: () => {
      for (const answer of held) answer();
    },
  };
}

describe('a connection is stored once', () => {
  test('by two confirmations at once', async ({ mcpServerId, consentToConfirm, versionOf }) => {
    const confirm = await consentToConfirm(mcpServerId);
    const answers = await Promise.all([confirm(), confirm(), confirm()]);
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200]);
    expect(answers.map((answer) => answer.json().status)).toEqual(['connected', 'connected', 'connected']);
    expect(await versionOf(mcpServerId)).toEqual([1]);
  });

  test('by two answers at once, and the other browser is not shown the outcome', async ({
    fixture,
    server,
    mcpServerId,
    versionOf,
  }) => {
    const link = await fixture.link(mcpServerId);
    const browsers = [fixture.browser(), fixture.browser()];
    const callbacks = await Promise.all(
      browsers.map(async (one) => [one, answerTo(await fixture.press(one, link.url), server)] as const),
    );
    const held = heldTokens();
    server.answer('/token', held.reply);
    const ending = Promise.all(callbacks.map(([one, callback]) => fixture.comeBack(one, callback)));
    await held.arrived(2);
    held.release();
    const ends = await ending;
    expect(ends.map(headingOf).sort()).toEqual(['Connected to The Ledger', 'Not connected by this answer']);
    expect(await versionOf(mcpServerId)).toEqual([1]);
  });
});

test('nothing is stored for a user who is forgotten while the code is exchanged', async ({
  fixture,
  server,
  browser,
  mcpServerId,
}) => {
  const link = await fixture.link(mcpServerId, {}, 'frank');
  const callback = answerTo(await fixture.press(browser, link.url), server);
  const held = heldTokens();
  server.answer('/token', held.reply);
  const ending = fixture.comeBack(browser, callback);
  await held.arrived(1);
  expect(await wipeUser(fixture.pool, 'frank', 0)).toMatchObject({ connectSessions: 1 });
  held.release();
  expect((await ending).statusCode).toBe(403);
  expect(await fixture.grant('frank', mcpServerId)).toBeUndefined();
});

test('a confirmation that is repeated does not connect again what was disconnected', async ({
  fixture,
  mcpServerId,
  consentToConfirm,
  versionOf,
}) => {
  const confirm = await consentToConfirm(mcpServerId);
  await confirm();
  await disconnectCredential(fixture.pool, { userId: 'alice', mcpServerId });
  const before = await versionOf(mcpServerId);
  expect((await confirm()).statusCode).toBe(200);
  expect(await versionOf(mcpServerId)).toEqual(before);
  const { rows } = await fixture.pool.query('SELECT status FROM mcp_credential WHERE mcp_server_id = $1', [
    mcpServerId,
  ]);
  expect(rows).toEqual([{ status: 'disconnected' }]);
});

test('a consent whose session could not be finished is not stored, and can be confirmed later', async ({
  fixture,
  mcpServerId,
  consentToConfirm,
}) => {
  const confirm = await consentToConfirm(mcpServerId);
  await fixture.pool.query(
    `CREATE FUNCTION refuse_connected() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '57P01'; END $$`,
  );
  await fixture.pool.query(
    `CREATE TRIGGER refuse_connected BEFORE UPDATE ON mcp_connect_session FOR EACH ROW
       WHEN (NEW.status = 'connected') EXECUTE FUNCTION refuse_connected()`,
  );
  const refused = await confirm();
  await fixture.pool.query('DROP TRIGGER refuse_connected ON mcp_connect_session');
  await fixture.pool.query('DROP FUNCTION refuse_connected');
  expect(refused.statusCode).toBeGreaterThanOrEqual(500);
  expect(await fixture.grant('alice', mcpServerId)).toBeUndefined();
  expect((await confirm()).json()).toMatchObject({ status: 'connected' });
});
