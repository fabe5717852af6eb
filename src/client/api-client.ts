import { startDeadline } from '../async/deadline.ts';
import type { StepView, ToolResult } from '../contracts/step.ts';
import type { ToolsOfServer } from '../contracts/tools-of-server.ts';
import { problemSchema } from '../schemas/http-problem.ts';

export interface LatchkeyApiOptions {
  /** The address of `latchkey server`, which may have a path. */
  url: string;
  /** The user's token, or a function that fetches it, which is called before every request. */
  token: string | (() => string | Promise<string>);
}

/** The methods that need Latchkey's HTTP API. They are about the user that the token names. */
export interface LatchkeyApi {
  /**
   * Lists the servers' tools in parallel, for at most 15 s each. One server's failure never hides another's tools.
   * Default: every server.
   */
  listTools(mcpServerIds?: readonly string[]): Promise<ToolsOfServer[]>;
  /** Returns a step's whole result, even if Temporal holds only a reference. Undefined if it has no result. */
  fullResult(stepId: string): Promise<ToolResult | undefined>;
}

/** The API refused the request or gave no usable response. */
export class LatchkeyApiError extends Error {
  /** The HTTP status. Undefined if there was no response. */
  readonly status: number | undefined;
  /** The problem's stable code, `unreachable`, or `unexpected-answer` where something else than the API responded. */
  readonly code: string;

  constructor(status: number | undefined, code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LatchkeyApiError';
    this.status = status;
    this.code = code;
  }
}

const TIMEOUT_MS = 60_000;

export function createLatchkeyApi(options: LatchkeyApiOptions): LatchkeyApi {
  return {
    async listTools(mcpServerIds) {
      if (mcpServerIds?.length === 0) return [];
      const query = new URLSearchParams(
        (mcpServerIds ?? []).map((id): [string, string] => ['mcpServerId', id]),
      );
      // The cast trusts the contract of our own API; so does the next.
      const { servers } = (await get(options, `/mcp-tools?${query}`)) as { servers: ToolsOfServer[] };
      return servers;
    },
    async fullResult(stepId) {
      const step = (await get(options, `/steps/${encodeURIComponent(stepId)}`)) as StepView;
      return step.result;
    },
  };
}

async function get(options: LatchkeyApiOptions, path: string): Promise<unknown> {
  const { url, token } = options;
  const authorization = `Bearer ${typeof token === 'string' ? token : await token()}`;
  const response = await fetch(`${url.replace(/\/+$/, '')}${path}`, {
    headers: { authorization, accept: 'application/json' },
    redirect: 'error',
    signal: startDeadline(TIMEOUT_MS).signal,
  }).catch(unreachable);
  const body: unknown = await response.json().catch(() => undefined);
  if (response.ok && typeof body === 'object') return body;
  const { data: problem } = problemSchema.safeParse(body);
  throw problem
    ? new LatchkeyApiError(response.status, problem.code, problem.detail)
    : new LatchkeyApiError(response.status, 'unexpected-answer', `an answer of status ${response.status}`);
}

function unreachable(error: unknown): never {
  throw new LatchkeyApiError(undefined, 'unreachable', "Latchkey's API can not be reached", { cause: error });
}
