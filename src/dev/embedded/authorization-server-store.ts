import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider';

export type IssuedSecretKind = 'access-token' | 'refresh-token' | 'authorization-code' | 'code-verifier';

/** What nobody but the authorization server and the client may ever see. */
export interface IssuedSecret {
  kind: IssuedSecretKind;
  value: string;
}

/** Everything the authorization server remembers, in memory. */
export interface AuthorizationServerStore {
  readonly adapter: AdapterFactory;
  /** Every token and code that was ever issued, spent ones too, oldest first. */
  readonly issued: IssuedSecret[];
  /** The account behind a refresh token or authorization code. */
  accountOf(token: string): string | undefined;
  /** Withdraws consent: the grants and every token made from them are gone. Of everybody without `accountId`. */
  revokeGrants(accountId?: string): void;
  /** Access tokens end; refresh tokens stay good. Of everybody without `accountId`. */
  expireAccessTokens(accountId?: string): void;
}

interface Entry {
  payload: AdapterPayload;
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

type Table = Map<string, Entry>;

// An opaque token is stored under itself.
const SECRET_IDS: Readonly<Record<string, IssuedSecretKind>> = {
  AccessToken: 'access-token',
  RefreshToken: 'refresh-token',
  AuthorizationCode: 'authorization-code',
};

const OF_A_GRANT = ['Grant', 'AccessToken', 'RefreshToken', 'AuthorizationCode'];

/** oidc-provider's own in-memory adapter forgets the oldest of a thousand entries; this one forgets nothing early. */
export function createAuthorizationServerStore(): AuthorizationServerStore {
  const tables = new Map<string, Table>();
  const issued: IssuedSecret[] = [];
  const tableOf = (model: string) => tables.get(model) ?? addTable(tables, model);
  const destroyOf = (model: string, accountId?: string) =>
    destroyWhere(tableOf(model), (payload) => accountId === undefined || payload.accountId === accountId);
  return {
    issued,
    adapter: (model) => noting(issued, SECRET_IDS[model], createAdapter(tableOf(model))),
    accountOf: (token) =>
      (find(tableOf('RefreshToken'), token) ?? find(tableOf('AuthorizationCode'), token))?.accountId,
    revokeGrants(accountId) {
      for (const model of OF_A_GRANT) destroyOf(model, accountId);
    },
    expireAccessTokens: (accountId) => destroyOf('AccessToken', accountId),
  };
}

function noting(issued: IssuedSecret[], kind: IssuedSecretKind | undefined, adapter: Adapter): Adapter {
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
  // Every step of an authorization looks its session up by uid: a scan would make thousands of users quadratic.
  const idsByUid = new Map<string, string>();
  return {
    async upsert(id, payload, expiresIn) {
      const expiresAt = expiresIn === undefined ? Number.POSITIVE_INFINITY : Date.now() + expiresIn * 1000;
      table.set(id, { payload, expiresAt });
      if (payload.uid !== undefined) idsByUid.set(payload.uid, id);
    },
    find: async (id) => find(table, id),
    findByUid: async (uid) => find(table, idsByUid.get(uid) ?? ''),
    // Only the device flow asks, and that is off.
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
