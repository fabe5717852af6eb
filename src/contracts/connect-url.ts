/**
 * The page where a user reconnects a server. Holds no secret and has no effect by being opened.
 *
 * @param publicUrl the address that users' browsers reach, without a trailing slash
 */
export function connectUrl(publicUrl: string, mcpServerId: string, stepId?: string): string {
  const page = `${publicUrl}/connect/${encodeURIComponent(mcpServerId)}`;
  return stepId === undefined ? page : `${page}?step=${encodeURIComponent(stepId)}`;
}
