import { setHandler } from '@temporalio/workflow';
import { credentialDeposited } from '../../contracts/messages.ts';

/**
 * The versions that signals say were deposited. A signal is a hint: it ends a pause, and then the store is
 * asked. Hints from before a look at the store are forgotten with it, so a forged or stale one costs one look
 * and not a loop; one that arrives during the look counts, or a deposit in that moment would be missed.
 */
export class CredentialWatch {
  #hinted = 0;
  #doubted = false;

  constructor(mcpServerId: string) {
    setHandler(credentialDeposited, (deposited: unknown) => {
      const version = versionOf(deposited, mcpServerId);
      this.#hinted = Math.max(this.#hinted, version);
    });
  }

  /** To be called right before the store is looked at. */
  forget(): void {
    this.#hinted = 0;
  }

  saysNewerThan(version: number): boolean {
    return this.#hinted > version;
  }

  /** What the store knew of this step may be lost. */
  doubt(): void {
    this.#doubted = true;
  }

  /** To be called right before the step registers as a waiter. */
  trust(): void {
    this.#doubted = false;
  }

  get isDoubted(): boolean {
    return this.#doubted;
  }
}

// Anyone in the namespace may send anything under this name: what makes no sense is no hint.
export function versionOf(deposited: unknown, mcpServerId: string): number {
  if (typeof deposited !== 'object' || deposited === null) return 0;
  const { mcpServerId: server, version } = deposited as { mcpServerId?: unknown; version?: unknown };
  return server === mcpServerId && typeof version === 'number' && Number.isFinite(version) ? version : 0;
}
