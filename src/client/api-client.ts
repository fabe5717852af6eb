import { startDeadline } from '../async/deadline.ts';
import type { StepView, ToolResult } from '../contracts/step.ts';
import type { ToolsOfServer } from '../contracts/tools-of-server.ts';
import { problemSchema } from '../schemas/http-problem.ts';

export interface LatchkeyApiOptions {
  /** Of `latchkey server`, perhaps with a path. */
  url: string;
  /** The user's, or what fetches it; asked before every request. */
  token: string | (() => string | Promise<string>);
}

/** What only Latchkey's HTTP API can do, for the user that the token names. */
export interface LatchkeyApi {
  /** In parallel, 15 s each; one server's failure never hides another's tools. Default: every server. */
  listTools(mcpServerIds?: readonly string[]): Promise<ToolsOfServer[]>;
  /** A step's result whole, also where Temporal holds only a reference to it; undefined where it has none. */
  fullResult(stepId: string): Promise<ToolResult | undefined>;
}

/** The API refused, or gave no usable answer. */
export class LatchkeyApiError extends Error {
  /** The answer's; undefined where there was none. */
  readonly status: number | undefined;
  /** A problem's stable code, or `unreachable`, or `unexpected-answer` from whatever is there instead. */
  readonly code: string;

  constructor(status: number | undefined, code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LatchkeyApiError';
    this.status = status;
    this.code = code;
  }
}

const ANSWER_WITHIN_MS = 60_000;

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
    signal: startDeadline(ANSWER_WITHIN_MS).signal,
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
