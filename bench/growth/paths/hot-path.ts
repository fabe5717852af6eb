import type { Client } from '@temporalio/client';
import type { CredentialKey } from '../../../src/contracts/activities.ts';
import type { Pool } from '../../../src/db/pool.ts';
import type { KeyRing } from '../../../src/vault/key-ring.ts';
import type { Vault } from '../../../src/vault/vault.ts';

/** What the operations run with. */
export interface HotContext {
  /** Explains each statement. */
  pool: Pool;
  client: Client;
  vault: Vault;
  keyRing: KeyRing;
  /** The connection of another user each time. */
  nextConnected(): CredentialKey;
  /** The connection of another user each time; steps wait for it. */
  nextAwaited(): CredentialKey;
}

/** One of the product's functions, and the name by which the report knows it. */
export type Operation = [name: string, run: () => Promise<unknown>];

/** A part of the product that every call, deposit or minute goes through. The operations of one round build on each other. */
export interface HotPath {
  name: string;
  operations(context: HotContext): Operation[];
}

/** Refuses an outcome that says that the operation found nothing to do: its plan would say nothing. */
export async function done<T>(outcome: Promise<T>): Promise<T> {
  const value = await outcome;
  if (value === undefined || value === false) throw new Error('an operation had nothing to do');
  return value;
}
