import type { SecretRedaction } from '../net/secret-redaction.ts';
import type { CallToolOutcome, ListToolsOutcome, ToolCall } from './mcp-port.ts';

/**
 * What leaves the adapter, without the secrets of the call: every text of an outcome came from the server or may quote
 * it. A scope that quotes one is no scope. In steps: an outcome may hold all that a server sent.
 */
export function* withoutSecrets<T extends CallToolOutcome | ListToolsOutcome>(
  outcome: T,
  secrets: SecretRedaction,
): Generator<void, T> {
  if (outcome.kind !== 'insufficient-scope') return yield* secrets.inValueInSteps(outcome);
  return { ...outcome, requiredScopes: secrets.inScopes(outcome.requiredScopes) };
}

/** Progress leaves while the call runs. */
export function callWithoutSecrets(call: ToolCall, secrets: SecretRedaction): ToolCall {
  const { onProgress } = call;
  if (onProgress === undefined) return call;
  return { ...call, onProgress: (progress) => onProgress(secrets.inValue(progress)) };
}
