/**
 * One-line summaries of workflows, activities and timers, for an operator in Temporal's UI and CLI. They name the server
 * and the tool, and never a user, an account, an argument or a result. They are metadata of events and not commands, so a
 * replay does not compare them, and a change needs no patch.
 *
 * @see https://docs.temporal.io/develop/typescript/enriching-ui
 */
import { shortened } from './shortened.ts';

/** Code points. Every event that has a summary stores it. */
const MAX_NAME = 80;

/** Names a tool and its server, such as "`create_invoice` at `ledger`". */
export function toolAtServer({ tool, mcpServerId }: { tool: string; mcpServerId: string }): string {
  return `${code(tool)} at ${code(mcpServerId)}`;
}

/** Names the servers, such as "`ledger`, `notes` and 3 more". */
export function serverNames(servers: readonly { mcpServerId: string }[]): string {
  const ids = [...new Set(servers.map(({ mcpServerId }) => mcpServerId))];
  const more = ids.length > MAX_SERVERS ? ` and ${ids.length - MAX_SERVERS} more` : '';
  return `${ids.slice(0, MAX_SERVERS).map(code).join(', ')}${more}`;
}

const MAX_SERVERS = 3;

/** Temporal's UI renders Markdown. In a code span, a name that someone chose can't become a link. */
export function code(name: string): string {
  return `\`${shortened(String(name).replace(/[`\p{C}\p{Z}]+/gu, ' '), MAX_NAME)}\``;
}
