/**
 * The accounts of a user at one MCP server. A credential belongs to a user, a server and an account. The account
 * `default` is left out everywhere but in SQL and in answers, so that workflow ids, signals, ciphertexts, fingerprints
 * and request hashes of that account are what they were before there were accounts.
 */

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
