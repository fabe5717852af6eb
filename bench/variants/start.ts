import { randomUUID } from 'node:crypto';
import type { BareCall } from '../bare/call.ts';
import type { Figures } from '../report/figures.ts';
import { startBare } from '../start-bare.ts';
import type { World } from '../world.ts';
import type { TokenStore, TokenStoreOptions } from './token-store.ts';

export type Variants = NonNullable<Figures['variants']>;

export interface Tokens {
  store: TokenStore;
  options: TokenStoreOptions;
}

/** Starts one of the workflows of `workflows.ts`. */
export function startVariant({ client }: World, workflow: string, ...args: [BareCall, ...number[]]) {
  const workflowId = `variant/${workflow}/${randomUUID()}`;
  return startBare(client, workflow, { workflowId, args });
}
