import { z } from 'zod';
import { createTurns } from '../../turns/turns.ts';
import { SERVER_LIMITS } from '../server-limits.ts';
import { readAnswer } from './answer.ts';
import { INITIALIZE_ID } from './probe-authorization.ts';
import { jsonLimits } from './rpc-fetch.ts';

/** How an MCP server describes itself: untrusted texts, shortened and on one line. */
export interface ServerDescription {
  /** The revision of MCP that it has chosen. */
  protocolVersion: string;
  name?: string;
  version?: string;
}

const MAX_BYTES = 64 * 1024;

/** Returns a text on one line: control characters and what hides or reorders others become spaces. */
function line(max: number) {
  return z
    .string()
    .transform((text) =>
      text
        .replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ')
        .trim()
        .slice(0, max),
    )
    .optional()
    .catch(undefined);
}

const initialized = z.object({
  // MCP's revisions are dates.
  protocolVersion: z.string().regex(/^\d{4}-\d{2}-\d{2}$/),
  serverInfo: z.object({ name: line(100), version: line(40) }).catch({ name: undefined, version: undefined }),
});

/**
 * Reads the answer to the `initialize` of `probeAuthorization`. Returns undefined if it is not one of MCP, such as an
 * HTML page. Reads or cancels the body.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle#initialization
 */
export async function readServerDescription(response: Response): Promise<ServerDescription | undefined> {
  const answer = await readAnswer(response, {
    requestId: INITIALIZE_ID,
    maxBytes: MAX_BYTES,
    limits: SERVER_LIMITS,
    json: jsonLimits('initialize', SERVER_LIMITS),
    reportsRounding: false,
    turns: createTurns(),
    deliver: () => {},
    // A server that does not finish its first answer is not described.
    resume: () => Promise.reject(new Error('not resumed')),
    pause: () => Promise.reject(new Error('not resumed')),
  }).catch(() => undefined);
  const { data } = initialized.safeParse(answer?.kind === 'result' ? answer.result : undefined);
  if (data === undefined) return undefined;
  const { name, version } = data.serverInfo;
  return {
    protocolVersion: data.protocolVersion,
    ...(name && { name }),
    ...(version && { version }),
  };
}
