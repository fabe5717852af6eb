import { ApplicationFailure } from '@temporalio/common';

/** Why Latchkey refused an operation of the Nexus service. */
export interface NexusRefusal {
  /** Stable, and the same as over HTTP: `invalid-request`, `number-not-exact`, `step-conflict`. */
  code: string;
  /** For people. Holds no value of the input. */
  message: string;
}

/**
 * Finds the refusal in the `NexusOperationFailure` that a caller's workflow caught; undefined for any other failure,
 * such as a cancellation. It is the innermost cause: how many others surround it depends on the server's version.
 */
export function nexusRefusalIn(error: unknown): NexusRefusal | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof ApplicationFailure && cause.type)
      return { code: cause.type, message: cause.message };
  }
  return undefined;
}
