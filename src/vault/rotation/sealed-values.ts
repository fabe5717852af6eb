import { credentialKey } from '../../contracts/accounts.ts';
import type { SealBinding, VaultPurpose } from '../vault.ts';

/** A column of sealed texts. `latchkey keys` prints its `kind`. */
export interface SealedValues {
  kind: SealedKind;
  table: string;
  column: string;
  /** The column of the key's id, which the database generates. An index on it and `key` finds the rows of one key. */
  kidColumn: string;
  /** The primary key. */
  key: readonly string[];
  keyType: 'text' | 'uuid';
  purpose: VaultPurpose;
  /** An SQL expression for a text array: the values that a row's text is bound to. */
  boundTo: string;
  /** Converts that array to the vault's binding. */
  binding(boundTo: readonly string[]): SealBinding;
}

export type SealedKind =
  | 'grants'
  | 'accessTokens'
  | 'pendingRevocations'
  | 'serverSecrets'
  | 'storedResults'
  | 'fingerprintKeys'
  | 'clientRegistrations'
  | 'authorizations'
  | 'pendingDeposits'
  | 'oidcSignIns';

/** All columns of sealed texts in all tables. A test checks that none is missing. */
export const SEALED_VALUES: readonly SealedValues[] = [
  ofCredential('grants', 'grant', 'grant'),
  ofCredential('accessTokens', 'access_token', 'access-token'),
  // The text was sealed as a grant, and is moved here unchanged.
  ofCredential('pendingRevocations', 'revocation', 'grant'),
  {
    kind: 'serverSecrets',
    table: 'mcp_server',
    column: 'secret_jwe',
    kidColumn: 'secret_kid',
    key: ['id'],
    keyType: 'text',
    purpose: 'server-secret',
    boundTo: 'ARRAY[id]',
    binding: ([mcpServerId = '']) => ({ mcpServerId }),
  },
  {
    kind: 'storedResults',
    table: 'mcp_stored_result',
    column: 'result_jwe',
    kidColumn: 'result_kid',
    key: ['id'],
    keyType: 'uuid',
    purpose: 'result',
    boundTo: 'ARRAY[user_id, mcp_server_id]',
    binding: ofUserAndServer,
  },
  {
    kind: 'fingerprintKeys',
    table: 'mcp_fingerprint_key',
    column: 'key_jwe',
    kidColumn: 'key_kid',
    key: ['kid'],
    keyType: 'text',
    purpose: 'fingerprint-key',
    boundTo: 'ARRAY[kid]',
    binding: ([fingerprintKid = '']) => ({ fingerprintKid }),
  },
  {
    kind: 'clientRegistrations',
    table: 'mcp_client_registration',
    column: 'client_jwe',
    kidColumn: 'client_kid',
    key: ['id'],
    keyType: 'uuid',
    purpose: 'client-registration',
    boundTo: 'ARRAY[mcp_server_id]',
    binding: ([mcpServerId = '']) => ({ mcpServerId }),
  },
  {
    kind: 'authorizations',
    table: 'mcp_authorization',
    column: 'request_jwe',
    kidColumn: 'request_kid',
    key: ['state_hash'],
    keyType: 'text',
    purpose: 'authorization',
    boundTo: 'ARRAY[user_id, mcp_server_id]',
    binding: ofUserAndServer,
  },
  {
    kind: 'pendingDeposits',
    table: 'mcp_connect_session',
    column: 'pending_jwe',
    kidColumn: 'pending_kid',
    key: ['id'],
    keyType: 'uuid',
    purpose: 'pending-deposit',
    boundTo: 'ARRAY[user_id, mcp_server_id]',
    binding: ofUserAndServer,
  },
  {
    kind: 'oidcSignIns',
    table: 'mcp_oidc_sign_in',
    column: 'sign_in_jwe',
    kidColumn: 'sign_in_kid',
    key: ['state_hash'],
    keyType: 'text',
    purpose: 'oidc-sign-in',
    boundTo: 'ARRAY[state_hash]',
    binding: ([stateHash = '']) => ({ stateHash }),
  },
];

function ofCredential(kind: SealedKind, name: string, purpose: VaultPurpose): SealedValues {
  return {
    kind,
    table: 'mcp_credential',
    column: `${name}_jwe`,
    kidColumn: `${name}_kid`,
    key: ['user_id', 'mcp_server_id', 'account'],
    keyType: 'text',
    purpose,
    boundTo: 'ARRAY[user_id, mcp_server_id, account]',
    binding: ([userId = '', mcpServerId = '', account]) => credentialKey({ userId, mcpServerId, account }),
  };
}

function ofUserAndServer([userId = '', mcpServerId = '']: readonly string[]): SealBinding {
  return { userId, mcpServerId };
}
