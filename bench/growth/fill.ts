import { randomUUID } from 'node:crypto';
import type { Pool } from '../../src/db/pool.ts';
import type { Vault } from '../../src/vault/vault.ts';

export const SERVERS = 100;

/** The tables whose size follows the number of users, credentials or steps. */
export const GROWING = [
  'mcp_credential',
  'mcp_step_waiter',
  'mcp_listing_waiter',
  'mcp_connection_event',
  'mcp_audit_event',
  'mcp_stored_result',
  'mcp_connect_session',
  'mcp_authorization',
  'mcp_web_session',
  'mcp_sign_in_link',
  'mcp_oidc_sign_in',
  'mcp_watched_user',
];

/** A sealed grant and a sealed access token. No statement opens them. */
interface SealedTexts {
  grantJwe: string;
  accessTokenJwe: string;
}

/** Texts as long as those of a client with a secret whose authorization server issues tokens of 800 characters. */
export async function sealedTexts(vault: Vault): Promise<SealedTexts> {
  const key = { userId: 'user', mcpServerId: 'server' };
  const grant = {
    refreshToken: 'r'.repeat(200),
    tokenEndpoint: 'https://auth.example/oauth/token',
    clientId: randomUUID(),
    clientSecret: 's'.repeat(40),
    resource: 'https://mcp.example/mcp',
  };
  return {
    grantJwe: await vault.seal('grant', key, grant),
    accessTokenJwe: await vault.seal('access-token', key, 'a'.repeat(800)),
  };
}

/** Half of them have a limit for idle grants. */
export async function fillServers(pool: Pool): Promise<void> {
  await pool.query(
    `INSERT INTO mcp_server (id, url, auth_type, max_result_bytes, revision, idle_limit, idle_limit_seconds)
     SELECT 'server-' || n, 'https://mcp-' || n || '.example/mcp', 'oauth2', 1048576, 1,
            CASE WHEN n % 2 = 0 THEN '90 days' END, CASE WHEN n % 2 = 0 THEN 90 * 86400 END
       FROM generate_series(0, ${SERVERS - 1}) n`,
  );
}

/**
 * Adds the rows from number `from` on, up to number `to`, and has Postgres count them: two connections a user; one
 * credential in 53 has to be connected again, and five steps wait for each of these; one in 97 is disconnected. A few
 * rows in 100,000 are due to be deleted or renewed. No trigger runs: nothing reads these events.
 */
export async function fill(pool: Pool, { from, to }: { from: number; to: number }, texts: SealedTexts) {
  const client = await pool.connect();
  try {
    await client.query('SET synchronous_commit = off');
    await client.query('ALTER TABLE mcp_credential DISABLE TRIGGER USER');
    await client.query(CREDENTIALS, [from, to - 1, texts.grantJwe, texts.accessTokenJwe]);
    await client.query('ALTER TABLE mcp_credential ENABLE TRIGGER USER');
    for (const statement of OTHERS) await client.query(statement, [from, to - 1]);
    await client.query(`VACUUM ANALYZE mcp_server, ${GROWING.join(', ')}`);
  } finally {
    client.release();
  }
}

const USER = "'user-' || lpad((n / 2)::text, 7, '0')";
const SERVER = `'server-' || (n % ${SERVERS})`;
/** Spread over 200 days; one in 20,000 is a little older. */
const AGE =
  "CASE WHEN n % 20000 = 6 THEN interval '201.5 days' ELSE (n % 200000) * interval '86.4 seconds' END";

/** In days: what is older than the others is due. */
export const RETENTION = {
  resultRetentionDays: 10,
  tombstoneRetentionDays: 20,
  waiterRetentionDays: 7,
  auditRetentionDays: 201,
};

const CREDENTIALS = `
  INSERT INTO mcp_credential (user_id, mcp_server_id, server_revision, status, reason, credential_version, token_version,
    grant_jwe, access_token_jwe, revocation_jwe, renew_after, expires_at, scopes, refresh_fingerprint, updated_at,
    grant_used_at)
  SELECT ${USER}, ${SERVER}, 1, status, CASE status WHEN 'reauth-required' THEN 'invalid-grant' END, 1, 1,
         CASE WHEN status <> 'disconnected' THEN $3 END, CASE WHEN status <> 'disconnected' THEN $4 END,
         CASE WHEN status = 'disconnected' AND n % 9700 = 5 THEN $3 END,
         now() + interval '1 hour', now() + interval '65 minutes', 'read write', 'k1.' || md5(n::text) || md5(n::text),
         now() - (${AGE}) / 10,
         now() - CASE WHEN n % 20000 = 6 THEN interval '80 days' ELSE (${AGE}) / 5 END
    FROM generate_series($1::int, $2::int) n,
         LATERAL (SELECT CASE WHEN n % 97 = 5 THEN 'disconnected' WHEN n % 53 = 1 THEN 'reauth-required'
                              ELSE 'connected' END AS status) AS of`;

const OTHERS = [
  // The connections with n % 53 = 1.
  `INSERT INTO mcp_step_waiter (workflow_id, step_id, user_id, mcp_server_id, seen_version, registered_at, alive_at)
   SELECT 'step/' || n || '/' || step, 'step-' || n || '-' || step, ${USER}, ${SERVER}, 1,
          now() - interval '1 day', now() - CASE WHEN n % 20000 = 6 THEN interval '8 days' ELSE interval '1 hour' END
     FROM generate_series($1::int, $2::int) n, generate_series(1, 5) step WHERE n % 53 = 1`,
  `INSERT INTO mcp_listing_waiter (workflow_id, step_id, user_id, mcp_server_id, seen_version)
   SELECT 'tools/' || n, 'tools-' || n, ${USER}, ${SERVER}, 1
     FROM generate_series($1::int, $2::int) n WHERE n % 53 = 1`,
  `INSERT INTO mcp_connection_event (user_id, mcp_server_id, status, version, happened_at)
   SELECT ${USER}, ${SERVER}, 'connected', 1, now() - n % 80000 * interval '1 second'
     FROM generate_series($1::int, $2::int) n WHERE n % 20 = 0`,
  `INSERT INTO mcp_audit_event (at, actor_user_id, action, user_id, mcp_server_id, details)
   SELECT now() - ${AGE}, ${USER}, 'connected', ${USER}, ${SERVER}, '{"version": 1}'
     FROM generate_series($1::int, $2::int) n WHERE n % 5 IN (1, 2)`,
  `INSERT INTO mcp_stored_result (id, user_id, mcp_server_id, workflow_id, result_jwe, bytes, stored_at)
   SELECT gen_random_uuid(), ${USER}, ${SERVER}, 'step/' || n, repeat('x', 1000), 1000, now() - (${AGE}) / 20
     FROM generate_series($1::int, $2::int) n WHERE n % 100 = 6`,
  `INSERT INTO mcp_connect_session (user_id, mcp_server_id, status, expires_at)
   SELECT ${USER}, ${SERVER}, 'connected', now() - n % 1440 * interval '1 minute'
     FROM generate_series($1::int, $2::int) n WHERE n % 100 = 0`,
  `INSERT INTO mcp_authorization (state_hash, connect_session_id, user_id, mcp_server_id, browser_hash, request_jwe, expires_at)
   SELECT md5(id::text), id, user_id, mcp_server_id, 'b', 'jwe', now() + interval '1 hour'
     FROM mcp_connect_session WHERE $1::int >= 0 AND $2::int >= 0
      AND NOT EXISTS (SELECT FROM mcp_authorization a WHERE a.connect_session_id = mcp_connect_session.id)`,
  `INSERT INTO mcp_web_session (id_hash, user_id, is_admin, last_used_at, created_at)
   SELECT decode(md5(n::text), 'hex'), ${USER}, false, now() - n % 40000 * interval '1 second',
          now() - n % 500000 * interval '1 second'
     FROM generate_series($1::int, $2::int) n WHERE n % 50 = 0`,
  // Not due before the measurement ends.
  `INSERT INTO mcp_sign_in_link (token_hash, user_id, created_at)
   SELECT decode(md5(n::text), 'hex'), ${USER}, now() + interval '1 hour' FROM generate_series($1::int, $2::int) n WHERE n % 100 = 0`,
  `INSERT INTO mcp_oidc_sign_in (state_hash, browser_hash, sign_in_jwe, created_at)
   SELECT md5(n::text), 'b', 'jwe', now() + interval '1 hour' FROM generate_series($1::int, $2::int) n WHERE n % 100 = 0`,
  `INSERT INTO mcp_watched_user (user_id, watched_until)
   SELECT ${USER}, now() + interval '1 hour' FROM generate_series($1::int, $2::int) n WHERE n % 50 = 0`,
];

/** What the rows came to. */
export async function sizeOf(pool: Pool) {
  const { rows } = await pool.query<{
    credentials: number;
    waiters: number;
    table_mib: number;
    index_mib: number;
  }>(
    `SELECT (SELECT count(*)::int FROM mcp_credential) AS credentials,
            (SELECT count(*)::int FROM mcp_waiter) AS waiters,
            round(pg_table_size('mcp_credential') / 1048576.0)::int AS table_mib,
            round(pg_indexes_size('mcp_credential') / 1048576.0)::int AS index_mib`,
  );
  const [row] = rows;
  if (row === undefined) throw new Error('the tables have no size');
  const { credentials, waiters, table_mib: tableMiB, index_mib: indexMiB } = row;
  return { credentials, waiters, tableMiB, indexMiB };
}
