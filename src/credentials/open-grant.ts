import type { CredentialKey } from '../contracts/activities.ts';
import type { Vault } from '../vault/vault.ts';
import type { Grant } from './credential.ts';

export type OpenedGrant =
  | { kind: 'opened'; grant: Grant }
  /** The key may be on its way to this process. */
  | { kind: 'key-missing'; kid: string }
  | { kind: 'undecryptable' };

/** Opens a stored grant; undefined where none is stored. */
export async function openGrant(
  vault: Vault,
  key: CredentialKey,
  grantJwe: string | null,
): Promise<OpenedGrant | undefined> {
  if (grantJwe === null) return undefined;
  const opened = await vault.open('grant', key, grantJwe);
  // The cast is safe: the vault opens only what `Grant` was sealed into.
  return opened.kind === 'opened' ? { kind: 'opened', grant: JSON.parse(opened.plaintext) as Grant } : opened;
}
