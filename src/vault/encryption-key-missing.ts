/** A stored value can't be opened by this process for now: the operator's fault, and perhaps on its way to be mended. */
export class EncryptionKeyMissing extends Error {
  readonly kid: string;

  constructor(kid: string) {
    super(`encryption key ${kid} is not configured`);
    this.name = 'EncryptionKeyMissing';
    this.kid = kid;
  }
}
