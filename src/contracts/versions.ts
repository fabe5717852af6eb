/**
 * Where a stored credential stands. `credentialVersion` rises with every deposit and disconnect,
 * `tokenVersion` with every change of token; neither ever falls or restarts. Where there is no credential they
 * are what the first one will exceed: 0 in a fresh installation.
 */
export interface CredentialVersions {
  credentialVersion: number;
  tokenVersion: number;
}
