/**
 * What `npm run test:versions` runs, as filters of Vitest: a path, or how it begins. Each version has to be through in
 * about half a minute, so these are the tests of what differs between versions, and not all.
 */

/** What Node, or a native part that has to load in it, does: HTTP, TLS, streams, crypto, threads, processes. */
export const ON_EACH_NODE = [
  'test/async/',
  'test/process/',
  'test/logging/logger',
  'test/net/connections',
  'test/net/egress-proxy',
  'test/net/exchange',
  'test/net/guarded-fetch',
  'test/vault/vault',
  'test/vault/key-ring',
  'test/payloads/payload-codec',
  'test/mcp/event-stream',
  'test/mcp/sessions',
  'test/mcp/connection-pool',
  'test/mcp/cancellation',
  'test/http/requests',
  'test/http/events',
  'test/db/pool',
  'test/dev/embedded/server-process',
  'test/telemetry/traces/tracing',
  // Core and swc load, a workflow runs and pauses in its sandbox, and recorded histories replay.
  'test/replay/rounded-numbers',
  'test/workflows/mcp-step-reauth',
  // Everything at once.
  'test/integration/main-job',
];

/** Migrations, every store, and what has to hold between transactions: leases, places, one refresh, retention. */
export const ON_EACH_POSTGRES = [
  'test/db/accounts-migration',
  'test/db/pool',
  'test/audit/audit-log',
  'test/audit/audited-rotations',
  'test/changes/watched-user-store',
  'test/connect/authorization-requests',
  'test/connect/expired-rows',
  'test/connect/limits',
  'test/connect/links',
  'test/connect/one-decision',
  'test/credentials/access',
  'test/credentials/accounts',
  'test/credentials/credential-store',
  'test/credentials/stored-secrets',
  'test/credentials/deposit/deposit-credential',
  'test/credentials/refresh/lease-store',
  'test/credentials/refresh/refusal-store',
  'test/credentials/refresh/renewal-store',
  'test/credentials/retirement/disconnect-credential',
  'test/credentials/retirement/idle-grant-store',
  'test/credentials/retirement/tombstones',
  'test/credentials/waiters/',
  'test/docs/retention',
  'test/http/admin-lists',
  'test/integration/expired-rows',
  'test/operations/forgotten-browsers',
  'test/races/refresh/single-flight',
  'test/races/refresh/takeover.test',
  'test/races/refresh/write-back',
  'test/servers/',
  'test/vault/boot-check/',
  'test/vault/rotation/',
];
