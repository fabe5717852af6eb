import { once } from 'node:events';
import type { Command } from 'commander';
import { type AuditExport, exportAudit } from '../client/admin-api.ts';
import type { LatchkeyApiOptions } from '../client/api-request.ts';
import { apiHelp } from './api-help.ts';
import { parseId } from './parse-id.ts';
import { API_EXIT_CODES, runApiCommand } from './run-api-command.ts';
import { parseSince } from './since.ts';

interface ExportFlags {
  since?: string;
  user?: string;
  actor?: string;
  server?: string;
  action?: string;
  cursor?: string;
}

/** Adds the export of the audit log. It needs a token with the scope `latchkey:admin`. */
export function addAudit(program: Command): void {
  const audit = program.command('audit').description('the audit log; for admins');
  audit
    .command('export')
    .description('write the audit log to standard output, the oldest first: one JSON object a line')
    .option('--since <time>', 'only since then: a time, a date, or a duration ago such as 24h', parseSince)
    .option('--user <id>', 'only what was done to this user', parseId)
    .option('--actor <id>', 'only what this user, or service, did', parseId)
    .option('--server <id>', 'only about this MCP server', parseId)
    .option('--action <action>', 'only this action, such as connected')
    .option('--cursor <cursor>', 'go on after the line that has this cursor')
    .option('--json', 'one JSON object a line, which it always is')
    .addHelpText('after', () => apiHelp(EXAMPLE, `${API_EXIT_CODES}${RESUME}`))
    .action(({ user: userId, actor: actorUserId, server: mcpServerId, since, action, cursor }: ExportFlags) =>
      runApiCommand((api) => printExport(api, { userId, actorUserId, mcpServerId, since, action, cursor })),
    );
}

const EXAMPLE = 'npx latchkey audit export --since 2026-11-01 > audit.ndjson';
const RESUME = `
A broken connection is resumed by itself. Else give the cursor of the last line to the next export: it misses nothing.`;

async function printExport(api: LatchkeyApiOptions, query: AuditExport): Promise<void> {
  let last = query.cursor;
  try {
    for await (const { text, cursor } of exportAudit(api, query)) {
      // A slow reader slows the export down, instead of filling the memory.
      if (!process.stdout.write(`${text}\n`)) await once(process.stdout, 'drain');
      last = cursor;
    }
  } catch (error) {
    if (last !== query.cursor) process.stderr.write(`Not complete. Go on with --cursor ${last}\n`);
    throw error;
  }
}
