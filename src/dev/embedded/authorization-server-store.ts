import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider';

export type IssuedSecretKind = 'access-token' | 'refresh-token' | 'authorization-code' | 'code-verifier';

/** A value that only the authorization server and the client may see. */
export interface IssuedSecret {
  kind: IssuedSecretKind;
  value: string;
}

/** The authorization server's state, in memory. */
export interface AuthorizationServerStore {
  readonly adapter: AdapterFactory;
  /** All issued tokens and codes, including spent ones, oldest first. */
  readonly issued: IssuedSecret[];
  /** Returns the account of a refresh token or authorization code. */
  accountOf(token: string): string | undefined;
  /** Removes the account's grants and all their tokens, or everyone's without `accountId`. */
  revokeGrants(accountId?: string): void;
  /** Removes the account's access tokens, or everyone's without `accountId`. Refresh tokens stay valid. */
  expireAccessTokens(accountId?: string): void;
}

interface Entry {
  payload: AdapterPayload;
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

type Table = Map<string, Entry>;

// The models whose entries are stored under the secret value itself.
const SECRET_IDS: Readonly<Record<string, IssuedSecretKind>> = {
  AccessToken: 'access-token',
  RefreshToken: 'refresh-token',
  AuthorizationCode: 'authorization-code',
};

const GRANT_MODELS = ['Grant', 'AccessToken', 'RefreshToken', 'AuthorizationCode'];

/**
 * Replaces oidc-provider's own in-memory adapter, which keeps only a thousand entries. This store keeps all of them.
 */
export function createAuthorizationServerStore(): AuthorizationServerStore {
  const tables = new Map<string, Table>();
  const issued: IssuedSecret[] = [];
  const tableOf = (model: string) => tables.get(model) ?? addTable(tables, model);
  const destroyOf = (model: string, accountId?: string) =>
    destroyWhere(tableOf(model), (payload) => accountId === undefined || payload.accountId === accountId);
  return {
    issued,
    adapter: (model) => recordIssued(issued, SECRET_IDS[model], createAdapter(tableOf(model))),
    accountOf: (token) =>
      (find(tableOf('RefreshToken'), token) ?? find(tableOf('AuthorizationCode'), token))?.accountId,
    revokeGrants(accountId) {
      for (const model of GRANT_MODELS) destroyOf(model, accountId);
    },
    expireAccessTokens: (accountId) => destroyOf('AccessToken', accountId),
  };
}

function recordIssued(issued: IssuedSecret[], kind: IssuedSecretKind | undefined, adapter: Adapter): Adapter {
  if (kind === undefined) return adapter;
  return {
    ...adapter,
    upsert(id, payload, expiresIn) {
      issued.push({ kind, value: id });
      return adapter.upsert(id, payload, expiresIn);
    },
  };
}

function addTable(tables: Map<string, Table>, model: string): Table {
  const table: Table = new Map();
  tables.set(model, table);
  return table;
}

function createAdapter(table: Table): Adapter {
  // Every step of an authorization looks up its session by uid. Scanning all sessions would be too slow for thousands
  // of users.
  const idsByUid = new Map<string, string>();
  return {
    async upsert(id, payload, expiresIn) {
      const expiresAt = expiresIn === undefined ? Number.POSITIVE_INFINITY : Date.now() + expiresIn * 1000;
      table.set(id, { payload, expiresAt });
      if (payload.uid !== undefined) idsByUid.set(payload.uid, id);
    },
    find: async (id) => find(table, id),
    findByUid: async (uid) => find(table, idsByUid.get(uid) ?? ''),
    // Only the device flow calls it, and that flow is disabled.
    findByUserCode: async () => undefined,
    async consume(id) {
      const payload = find(table, id);
      if (payload !== undefined) payload.consumed = Math.floor(Date.now() / 1000);
    },
    async destroy(id) {
      const uid = table.get(id)?.payload.uid;
      if (uid !== undefined && idsByUid.get(uid) === id) idsByUid.delete(uid);
      table.delete(id);
    },
    revokeByGrantId: async (grantId) => destroyWhere(table, (payload) => payload.grantId === grantId),
  };
}

function find(table: Table, id: string): AdapterPayload | undefined {
  const entry = table.get(id);
  if (entry === undefined || entry.expiresAt > Date.now()) return entry?.payload;
  table.delete(id);
  return undefined;
}

function destroyWhere(table: Table, matches: (payload: AdapterPayload) => boolean): void {
  for (const [id, { payload }] of table) if (matches(payload)) table.delete(id);
}
