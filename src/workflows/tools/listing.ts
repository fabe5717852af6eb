import type { McpToolsInput } from '../../contracts/mcp-tools.ts';
import type { CredentialWatch } from '../step/signals.ts';
import type { AwaitedDeposit, StepProgress } from '../step/step-progress.ts';
import type { CarriedRecord, StepRecord } from '../step/step-record.ts';
import type { ListingPlan } from './listing-input.ts';

/** A listing under way. A server is named by its position in the input. */
export interface Listing {
  input: McpToolsInput;
  plan: ListingPlan;
  record: StepRecord;
  /** One for each server, in their order. */
  credentials: readonly CredentialWatch[];
  progress: ListingProgress;
}

/**
 * The progress of a listing: plain data that a new run receives when the listing continues as new. Histories hold these
 * fields: add to them, never rename.
 */
export interface ListingProgress {
  /** When the pauses end, in milliseconds since 1970. Set by the first one. */
  deadline?: number;
  /** The deposits that the listing waits for now, by position. */
  awaited?: Record<string, AwaitedDeposit>;
  /** The links of the servers that were not connected in time, by position. They are not listed again. */
  timedOut?: Record<string, string>;
  /** By position. */
  askedScopes?: Record<string, NonNullable<StepProgress['askedScopes']>>;
  /** A pause may have left waiters. */
  hasPaused?: true;
}

/** The second argument of a run that continues another one. A listing passes it to itself. */
export interface CarriedListing {
  record: CarriedRecord;
  progress: ListingProgress;
}
