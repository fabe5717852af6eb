/**
 * Where a stored credential stands. `credentialVersion` rises with every deposit and disconnect,
 * `tokenVersion` with every change of token; neither ever falls or restarts. Both are 0 where the user
 * never connected the server.
 */
export interface CredentialVersions {
  credentialVersion: number;
  tokenVersion: number;
}

export const NEVER_CONNECTED: CredentialVersions = { credentialVersion: 0, tokenVersion: 0 };
