import type { ToolDescription } from './step.ts';

/** Why a server's tools could not be listed. `kind` says who can fix it; `code` is as for the list of one server. */
export interface ListFailure {
  kind: 'auth' | 'connection' | 'unknown';
  code:
    | 'unknown-server'
    | 'needs-oauth-reauth'
    | 'needs-oauth-scope'
    | 'forbidden'
    | 'server-unavailable'
    | 'token-endpoint-unavailable'
    | 'protocol-error'
    | 'result-too-large'
    | 'encryption-key-missing'
    | 'misconfigured'
    | 'internal';
}

export type ToolsOfServer = { mcpServerId: string } & (
  | { tools: ToolDescription[] }
  | { failure: ListFailure }
);
