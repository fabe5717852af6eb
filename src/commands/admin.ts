import type { Command } from 'commander';
import { type AdminFilter, listUserConnections, listUserSteps } from '../client/admin-api.ts';
import type { LatchkeyApiOptions } from '../client/api-request.ts';
import { CONNECTION_REASONS, STEP_STATUSES } from '../contracts/step.ts';
import { STEP_REASONS } from '../schemas/http-admin.ts';
import { CONNECTION_STATUSES } from '../schemas/http-connection.ts';
import { userConnectionsTable, userStepsTable } from './admin-report.ts';
import { apiHelp } from './api-help.ts';
import { choiceOption, LIMIT } from './list-options.ts';
import { parseId } from './parse-id.ts';
import { runApiCommand } from './run-api-command.ts';
import { parseSince } from './since.ts';

interface AdminFlags {
  user?: string;
  server?: string;
  status?: string;
  reason?: string;
  since?: string;
  limit?: number;
  cursor?: string;
  json?: true;
}

interface AdminList<Page> {
  name: 'steps' | 'connections';
  description: string;
  statuses: readonly string[];
  reasons: readonly string[];
  example: string;
  list(api: LatchkeyApiOptions, filter: AdminFilter): Promise<Page>;
  table(page: Page, isTty: boolean): string;
}

/** Adds the lists over all users. They need a token with the scope `latchkey:admin`. */
export function addAdmin(program: Command): void {
  const admin = program.command('admin').description('steps and connections of all users; for admins');
  addListOf(admin, {
    name: 'steps',
    description: 'list the steps of all users: open ones first, then the latest ended',
    statuses: STEP_STATUSES,
    reasons: STEP_REASONS,
    example: 'npx latchkey admin steps --status error --since 24h',
    list: listUserSteps,
    table: ({ steps }, isTty) => userStepsTable(steps, isTty),
  });
  addListOf(admin, {
    name: 'connections',
    description: 'list the connections of all users',
    statuses: CONNECTION_STATUSES,
    reasons: CONNECTION_REASONS,
    example: 'npx latchkey admin connections --server ledger --status reauth-required',
    list: listUserConnections,
    table: ({ connections }, isTty) => userConnectionsTable(connections, isTty),
  });
}

function addListOf<Page extends { nextCursor?: string }>(admin: Command, list: AdminList<Page>): void {
  admin
    .command(list.name)
    .description(list.description)
    .option('--user <id>', 'only of this user', parseId)
    .option('--server <id>', 'only of this MCP server', parseId)
    .addOption(choiceOption('--status <status>', 'only of this status', list.statuses))
    .addOption(choiceOption('--reason <reason>', 'only for this reason', list.reasons))
    .option('--since <time>', 'only since then: a time, a date, or a duration ago such as 24h', parseSince)
    .option(...LIMIT)
    .option('--cursor <cursor>', 'go on after an earlier list')
    .option('--json', `print one JSON object, as GET /admin/${list.name} answers`)
    .addHelpText('after', () => apiHelp(list.example))
    .action((flags: AdminFlags) => runApiCommand((api) => printList(api, list, flags)));
}

async function printList<Page extends { nextCursor?: string }>(
  api: LatchkeyApiOptions,
  { list, table }: AdminList<Page>,
  { json, user: userId, server: mcpServerId, ...filter }: AdminFlags,
): Promise<void> {
  const page = await list(api, { ...filter, userId, mcpServerId });
  const isTty = process.stdout.isTTY === true;
  process.stdout.write(json ? `${JSON.stringify(page)}\n` : table(page, isTty));
  if (!json && page.nextCursor !== undefined) {
    process.stderr.write(`There are more: run this again with --cursor ${page.nextCursor}\n`);
  }
}
