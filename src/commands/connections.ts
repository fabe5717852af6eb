import type { Command } from 'commander';
import { createConnectionsApi } from '../client/connections-api.ts';
import { apiHelp } from './api-help.ts';
import { connectInBrowser } from './connect-in-browser.ts';
import { connectionsTable, nameOf } from './connections-report.ts';
import { addImport } from './import/command.ts';
import { parseId } from './parse-id.ts';
import { runApiCommand } from './run-api-command.ts';

interface ConnectionFlags {
  json?: true;
  account?: string;
}

export const ACCOUNT = [
  '--account <name>',
  'which of your accounts at the server (default: default)',
  parseId,
] as const;

export function addConnections(program: Command): void {
  const connections = program
    .command('connections')
    .description(
      'your connections to MCP servers: list them, connect, disconnect; import those of many users',
    );
  addList(connections);
  addConnect(connections);
  addDisconnect(connections);
  addImport(connections);
}

function addList(connections: Command): void {
  connections
    .command('list')
    .description('list your connections: a table, or tab-separated lines in a pipe')
    .option('--json', 'print one JSON object, as GET /mcp-oauth-credentials answers')
    .addHelpText('after', () => apiHelp('npx latchkey connections list'))
    .action(({ json }: { json?: true }) =>
      runApiCommand(async (api) => {
        const listed = await createConnectionsApi(api).list();
        const isTty = process.stdout.isTTY === true;
        process.stdout.write(
          json ? `${JSON.stringify({ connections: listed })}\n` : connectionsTable(listed, isTty),
        );
      }),
    );
}

function addConnect(connections: Command): void {
  connections
    .command('connect')
    .description('open the page on which you connect a server, and wait until you have')
    .argument('<server>', "the MCP server's id", parseId)
    .option(...ACCOUNT)
    .option('--no-open', 'print the link, open no browser; so does a pipe or a machine without a display')
    .option('--json', 'print the link and the outcome as one JSON object a line')
    .addHelpText('after', () =>
      apiHelp('npx latchkey connections connect ledger --account work', CONNECT_EXIT_CODES),
    )
    .action((mcpServerId: string, { json, account, open }: ConnectFlags) =>
      runApiCommand((api, { hasDisplay }) => {
        const isTty = process.stdout.isTTY === true;
        const name = { mcpServerId, account };
        return connectInBrowser(api, name, {
          json: json ?? false,
          isTty,
          mayOpen: open && hasDisplay && isTty,
        });
      }),
    );
}

interface ConnectFlags extends ConnectionFlags {
  open: boolean;
}

const CONNECT_EXIT_CODES = `
Exit code: 0 connected; 1 not connected; 2 wrong configuration, or no Latchkey to ask; 130 stopped by Ctrl-C; 143 by SIGTERM.
Anyone who has the link can connect an account in your name for 15 minutes: don't pass it on.`;

function addDisconnect(connections: Command): void {
  connections
    .command('disconnect')
    .description('end a connection and have its grant revoked; later steps wait until you connect again')
    .argument('<server>', "the MCP server's id", parseId)
    .option(...ACCOUNT)
    .option('--json', 'print one JSON object')
    .addHelpText('after', () => apiHelp('npx latchkey connections disconnect ledger --account work'))
    .action((mcpServerId: string, { json, account }: ConnectionFlags) =>
      runApiCommand(async (api) => {
        const name = { mcpServerId, account: account ?? 'default' };
        await createConnectionsApi(api).disconnect({ mcpServerId, account });
        const done = json ? JSON.stringify({ ...name, disconnected: true }) : `Disconnected: ${nameOf(name)}`;
        process.stdout.write(`${done}\n`);
      }),
    );
}
