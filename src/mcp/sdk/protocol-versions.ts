import { SUPPORTED_PROTOCOL_VERSIONS } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import type { RefusalError } from '../http/failures.ts';
import type { RpcAnswer } from '../http/rpc-answer.ts';
import { METHOD_NOT_FOUND } from '../http/rpc-message.ts';
import { protocolError } from '../mcp-failure.ts';
import type { McpFailure } from '../port.ts';

/** MCP's revisions are dates. A server's text is only passed on as a revision if it has that form. */
const REVISION = /^(\d{4}-\d{2}-\d{2}|DRAFT-\d{4}-v\d{1,3})$/;
const MAX_NAMED = 8;

/**
 * Errors of the revision 2026-07-28, which has no `initialize`: a missing header, a missing capability, an unsupported
 * version.
 *
 * @see https://csharp.sdk.modelcontextprotocol.io/api/ModelContextProtocol.UnsupportedProtocolVersionException.html
 */
const NEWER_ERRORS: readonly number[] = [-32020, -32021, -32022];

const text = z.array(z.unknown()).optional().catch(undefined);
const versionData = z.object({ supported: text, supportedVersions: text, supportedProtocolVersions: text });
const initialized = z.object({ protocolVersion: z.unknown() });

/** Returns the failure that an error in answer to `initialize` means, if it is about the revision. */
export function versionRefusal(error: RefusalError): McpFailure | undefined {
  const supported = supportedVersionsIn(error.data);
  if (supported.length > 0) return disagreement(`speaks ${supported.join(', ')}`, error.code);
  if (error.code !== undefined && NEWER_ERRORS.includes(error.code))
    return disagreement('speaks a newer revision only', error.code);
  if (error.code === METHOD_NOT_FOUND) {
    return disagreement('does not know `initialize`, which 2026-07-28 no longer has', error.code);
  }
  return undefined;
}

/**
 * Returns the latest revision that Latchkey and the server have in common, if the server refuses the requested one
 * and names its own. Most servers answer with another revision instead.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle#error-handling
 */
export function commonVersion(error: RefusalError | undefined): string | undefined {
  const supported = supportedVersionsIn(error?.data);
  return SUPPORTED_PROTOCOL_VERSIONS.find((version) => supported.includes(version));
}

/** Returns the failure that an answer to `initialize` means, if it names a revision that Latchkey does not speak. */
export function versionMismatch(answer: RpcAnswer | undefined): McpFailure | undefined {
  const version = answeredVersion(answer);
  if (version === undefined || SUPPORTED_PROTOCOL_VERSIONS.includes(version)) return undefined;
  return disagreement(`speaks ${version}`);
}

function disagreement(server: string, code?: number): McpFailure {
  const ours = SUPPORTED_PROTOCOL_VERSIONS.join(', ');
  return protocolError(
    `The MCP server ${server}; Latchkey speaks ${ours}.`,
    `no common revision of MCP: the server ${server}${code === undefined ? '' : ` (JSON-RPC error ${code})`}; spoken here: ${ours}`,
  );
}

function supportedVersionsIn(data: unknown): string[] {
  const parsed = versionData.safeParse(data);
  if (!parsed.success) return [];
  const { supported, supportedVersions, supportedProtocolVersions } = parsed.data;
  const named = supported ?? supportedVersions ?? supportedProtocolVersions ?? [];
  return named.filter(isRevision).slice(0, MAX_NAMED);
}

function isRevision(version: unknown): version is string {
  return typeof version === 'string' && REVISION.test(version);
}

// The SDK's own error only says that the revision is not supported, not which one it is.
function answeredVersion(answer: RpcAnswer | undefined): string | undefined {
  if (answer?.kind !== 'result') return undefined;
  const parsed = initialized.safeParse(answer.result);
  if (!parsed.success) return undefined;
  const { protocolVersion } = parsed.data;
  return isRevision(protocolVersion) ? protocolVersion : 'another revision';
}
