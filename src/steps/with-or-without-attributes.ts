import type { Client } from '@temporalio/client';
import { isInvalidArgument, temporalCall } from '../temporal/temporal-call.ts';

/**
 * Starts a workflow by `begin`, and once more without search attributes if Temporal refuses the start: a namespace that
 * does not know them refuses a start that carries them.
 */
export async function withOrWithoutAttributes<Options extends { typedSearchAttributes?: unknown }, Handle>(
  client: Client,
  options: Options,
  begin: (options: Omit<Options, 'typedSearchAttributes'>) => Promise<Handle>,
): Promise<Handle> {
  try {
    return await temporalCall(client, () => begin(options));
  } catch (error) {
    if (!isInvalidArgument(error) || options.typedSearchAttributes === undefined) throw error;
    const { typedSearchAttributes: _, ...withoutAttributes } = options;
    return temporalCall(client, () => begin(withoutAttributes));
  }
}
