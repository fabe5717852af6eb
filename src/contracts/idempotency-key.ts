/**
 * The member of a call's `_meta` that holds the idempotency key. A server that knows the key returns the result of
 * the first call instead of running the tool again.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/index#meta
 */
export const IDEMPOTENCY_KEY_META = 'latchkey/idempotency-key';

/**
 * Chooses the idempotency key of a step's calls: the id of the first run. Retries, continue-as-new and a reset by an
 * operator keep it; no other step has it.
 */
export function idempotencyKeyOf({ firstExecutionRunId }: { firstExecutionRunId: string }): string {
  return firstExecutionRunId;
}
