import { createNexusServiceClient } from '@temporalio/workflow';
import { latchkeyService, type NexusRefusal, nexusRefusalIn } from '../../src/nexus.ts';

export interface Call {
  endpoint: string;
  operation: keyof typeof latchkeyService.operations;
  /** Sent as it is: it may be wrong. */
  input: unknown;
}

export type Answer =
  | { kind: 'answered'; token: string | undefined; result: unknown }
  | { kind: 'refused'; refusal: NexusRefusal };

/** Calls one operation, in the caller's namespace, and returns what it gets. */
export async function callLatchkey({ endpoint, operation, input }: Call): Promise<Answer> {
  const latchkey = createNexusServiceClient({ endpoint, service: latchkeyService });
  try {
    // The cast is what the tests are about: inputs that the types do not allow.
    const handle = await latchkey.startOperation(operation, input as never);
    return { kind: 'answered', token: handle.token, result: await handle.result() };
  } catch (error) {
    const refusal = nexusRefusalIn(error);
    if (refusal === undefined) throw error;
    return { kind: 'refused', refusal };
  }
}
