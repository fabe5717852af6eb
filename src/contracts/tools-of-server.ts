import type { ToolDescription } from './step.ts';

/** Why a server's tools could not be listed. `kind` says who can fix it; `code` is as for the list of one server. */
export interface ListFailure {
  /** `auth`: the user. `connection`: it may pass by itself. `unknown`: the operator, or the people of the server. */
  kind: 'auth' | 'connection' | 'unknown';
  /** Stable: programs decide by it. */
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

/** The tools of one server, or why they could not be listed. */
export type ToolsOfServer = { mcpServerId: string } & (
  | { tools: ToolDescription[] }
  | { failure: ListFailure }
);
