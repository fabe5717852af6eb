import pg from 'pg';
import { expect, onTestFinished } from 'vitest';
import { createLogger } from '../../src/logging/logger.ts';
import { testInWorld } from '../support/fixtures.ts';
import type { World } from '../support/world.ts';

const lines: string[] = [];
const logger = createLogger({ level: 'info', destination: { write: (line) => void lines.push(line) } });

const test = testInWorld({ logger });

/** As a primary is that has become a standby: new connections and old ones read alone. */
async function setReadOnly(world: World, isOn: boolean): Promise<void> {
  const admin = new pg.Client({ connectionString: world.database.url });
  await admin.connect();
  await admin.query('SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE');
  const { rows } = await admin.query<{ name: string }>('SELECT quote_ident(current_database()) AS name');
  const setting = isOn ? 'SET default_transaction_read_only = on' : 'RESET default_transaction_read_only';
  await admin.query(`ALTER DATABASE ${rows[0]?.name} ${setting}`);
  if (isOn) {
    await admin.query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
    );
  }
  await admin.end();
}

test('a read-only database leads to a 503 that says so, and a write-back is retried until it is writable', async ({
  world,
  api,
}) => {
  const user = world.users.newUser();
  await world.users.connect(user);
  const another = await world.users.consent(user);
  world.authorizationServer.control.expireAccessTokens(user);
  const held = world.authorizationServer.control.interceptTokenRequests(
    { do: 'hold-after-processing' },
    { accountId: user },
  );
  onTestFinished(() => held.release());
  const { stepId } = await world.steps.start(user);
  await held.reached();

  await setReadOnly(world, true);
  onTestFinished(() => setReadOnly(world, false));
  // The first query over a connection that was cut may say so instead: it is a 503 all the same.
  await expect
    .poll(() => api.ask(user, 'POST /mcp-oauth-credentials', { ...another }), { timeout: 20_000 })
    .toMatchObject({ status: 503, body: { code: 'database-unavailable' } });
  expect(await api.askAsAdmin('DELETE /mcp-servers/none')).toMatchObject({ status: 503 });
  expect(await api.askAsAdmin('GET /mcp-servers')).toMatchObject({ status: 200 });
  held.release();
  const retries = () => lines.filter((line) => line.includes('writeback.retrying')).length;
  await expect.poll(retries, { timeout: 20_000 }).toBeGreaterThan(1);

  await setReadOnly(world, false);

  await world.steps.until(user, stepId, 'success');
  // Each connection that only reads is found out by one request.
  await expect
    .poll(() => api.ask(user, `DELETE /mcp-oauth-credentials/${world.mcpServerId}`), { timeout: 20_000 })
    .toMatchObject({ status: 204 });
  const grants = world.authorizationServer.stats.tokenGrants('refresh_token', { accountId: user });
  expect(grants).toEqual({ succeeded: 1, failed: 0 });
}, 90_000);
