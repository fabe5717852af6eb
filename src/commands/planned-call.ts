import { InvalidArgumentError } from 'commander';
import type { PreflightCall } from '../contracts/preflight.ts';
import { idSchema } from '../schemas/id.ts';

const FORM = 'must be <server>, <server>/<tool>, <server>:<account> or <server>:<account>/<tool>';

/**
 * Reads a planned call of the command line: `<server>[:<account>][/<tool>]`. Names are percent-decoded, so that a server's
 * may hold `/` and `:`, an account's `/`.
 *
 * @throws InvalidArgumentError
 */
export function parsePlannedCall(text: string): PreflightCall {
  const [, server = '', account, tool] = /^([^/:]*)(?::([^/]*))?(?:\/(.*))?$/s.exec(text) ?? [];
  return {
    mcpServerId: nameIn(server),
    ...(account !== undefined && { account: nameIn(account) }),
    ...(tool !== undefined && { tool: nameIn(tool) }),
  };
}

function nameIn(encoded: string): string {
  const name = idSchema.safeParse(decoded(encoded));
  if (name.success) return name.data;
  throw new InvalidArgumentError(`it ${FORM}; each 1 to 255 characters without control characters.`);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
