import { type Command, InvalidArgumentError } from 'commander';
import { createLatchkeyApi } from '../client/api-client.ts';
import { listToolsOf } from '../client/tools-api.ts';
import { MAX_PREFLIGHT_CALLS, type PreflightCall } from '../contracts/preflight.ts';
import { apiHelp } from './api-help.ts';
import { ACCOUNT } from './connections.ts';
import { parseId } from './parse-id.ts';
import { parsePlannedCall } from './planned-call.ts';
import { runApiCommand } from './run-api-command.ts';
import { preflightReport, toolsTable } from './tools-report.ts';

export function addTools(program: Command): void {
  const tools = program.command('tools').description('the tools of MCP servers, as you see them');
  addList(tools);
  addPreflight(tools);
}

function addList(tools: Command): void {
  tools
    .command('list')
    .description("list a server's tools: a table, or tab-separated lines in a pipe")
    .argument('<server>', "the MCP server's id", parseId)
    .option(...ACCOUNT)
    .option('--json', 'print one JSON object, as GET /list-mcp-tools answers')
    .addHelpText('after', () => apiHelp('npx latchkey tools list ledger --account work'))
    .action((mcpServerId: string, { json, account }: { json?: true; account?: string }) =>
      runApiCommand(async (api) => {
        const listed = await listToolsOf(api, { mcpServerId, account });
        const isTty = process.stdout.isTTY === true;
        process.stdout.write(json ? `${JSON.stringify({ tools: listed })}\n` : toolsTable(listed, isTty));
      }),
    );
}

function addPreflight(tools: Command): void {
  tools
    .command('preflight')
    .description('ask whether you can call these tools now, else why not; calls no tool')
    .argument('<calls...>', '<server>[:<account>][/<tool>], at most 50', collectCalls)
    .option('--json', 'print one JSON object, as POST /preflight answers')
    .addHelpText('after', () =>
      apiHelp('npx latchkey tools preflight files/read_file crm:work/create_invoice', PREFLIGHT_EXIT_CODES),
    )
    .action((calls: PreflightCall[], { json }: { json?: true }) =>
      runApiCommand(async (api) => {
        const result = await createLatchkeyApi(api).preflight(calls);
        process.stdout.write(json ? `${JSON.stringify(result)}\n` : preflightReport(result));
        if (!result.ready) process.exitCode = 1;
      }),
    );
}

const PREFLIGHT_EXIT_CODES = `
Exit code: 0 ready; 1 not ready, or not asked; 2 wrong configuration, or no Latchkey to ask.
In a server's name, write / and : percent-encoded (%2F %3A), in an account's /, in any name %.`;

function collectCalls(text: string, calls: PreflightCall[] = []): PreflightCall[] {
  if (calls.length === MAX_PREFLIGHT_CALLS) throw new InvalidArgumentError(`at most ${MAX_PREFLIGHT_CALLS}.`);
  return [...calls, parsePlannedCall(text)];
}
