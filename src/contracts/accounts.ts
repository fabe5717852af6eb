/**
 * The accounts of a user at one MCP server. A credential belongs to a user, a server and an account. The account
 * `default` is left out everywhere but in SQL and in answers, so that workflow ids, signals, ciphertexts, fingerprints
 * and request hashes of that account are what they were before there were accounts.
 */
import type { CredentialKey } from './activities.ts';

/** The account that is meant if none is named. */
export const DEFAULT_ACCOUNT = 'default';

/** Returns the account's name for SQL and for answers, which always name it. */
export function accountOf({ account }: { account?: string | undefined }): string {
  return account ?? DEFAULT_ACCOUNT;
}

/**
 * Returns the member that names an account in a key, an input or a message, to be spread: `{}` for the default account,
 * also if it is written out.
 */
export function accountMember(account: string | null | undefined): { account?: string } {
  return account == null || account === DEFAULT_ACCOUNT ? {} : { account };
}

/**
 * Returns the key of a credential, without the default account. Copies no other field: an MCP session holds the key in
 * memory for as long as its token, and must not hold the arguments of a call with it.
 */
export function credentialKey({ userId, mcpServerId, account }: NamedCredential): CredentialKey {
  return { userId, mcpServerId, ...accountMember(account) };
}

interface NamedCredential {
  userId: string;
  mcpServerId: string;
  account?: string | null | undefined;
}
