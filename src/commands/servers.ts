import { confirm, isCancel } from '@clack/prompts';
import type { Command } from 'commander';
import type { LatchkeyApiOptions } from '../client/api-request.ts';
import { createServersApi } from '../client/servers-api.ts';
import { apiHelp } from './api-help.ts';
import { colorsOf } from './colors.ts';
import { CommandRefused } from './command-refused.ts';
import { parseId } from './parse-id.ts';
import { API_EXIT_CODES, runApiCommand } from './run-api-command.ts';
import { addAdd } from './servers-add.ts';
import { serverReport, serversTable } from './servers-report.ts';

interface JsonFlag {
  json?: true;
}

const SERVER_ID = ['<server>', "the MCP server's id", parseId] as const;
const EXIT_CODES = `${API_EXIT_CODES}
These commands need an admin: a token with the scope latchkey:admin.`;

export function addServers(program: Command): void {
  const servers = program
    .command('servers')
    .description('for admins: the registered MCP servers; add, list, show, pause and remove them');
  addAdd(servers);
  addList(servers);
  addShow(servers);
  addRemove(servers);
  addSwitch(servers, 'pause', 'pause a server: its steps wait, and nothing is lost');
  addSwitch(servers, 'resume', 'resume a paused server and its steps');
}

function addList(servers: Command): void {
  servers
    .command('list')
    .description('list the registered servers: a table, or tab-separated lines in a pipe')
    .option('--json', 'print one JSON object, as GET /mcp-servers answers')
    .addHelpText('after', () => apiHelp('npx latchkey servers list', EXIT_CODES))
    .action(({ json }: JsonFlag) =>
      runApiCommand(async (api) => {
        const listed = await createServersApi(api).list();
        const isTty = process.stdout.isTTY === true;
        print(json ? jsonLine({ servers: listed }) : serversTable(listed, isTty, colorsOf(process.stdout)));
      }),
    );
}

function addShow(servers: Command): void {
  servers
    .command('show')
    .description('show a registered server, without its secrets')
    .argument(...SERVER_ID)
    .option('--json', 'print one JSON object, as GET /mcp-servers/:id answers')
    .addHelpText('after', () => apiHelp('npx latchkey servers show ledger', EXIT_CODES))
    .action((id: string, { json }: JsonFlag) =>
      runApiCommand(async (api) => {
        const server = await createServersApi(api).show(id);
        print(json ? jsonLine(server) : serverReport(server, process.stdout.isTTY === true));
      }),
    );
}

function addRemove(servers: Command): void {
  servers
    .command('remove')
    .description('remove a server; if it is added again, its users have to connect again')
    .argument(...SERVER_ID)
    .option('--yes', 'do not ask at a terminal')
    .option('--json', 'print one JSON object')
    .addHelpText('after', () => apiHelp('npx latchkey servers remove ledger', EXIT_CODES))
    .action((id: string, flags: JsonFlag & { yes?: true }) => runApiCommand((api) => remove(api, id, flags)));
}

async function remove(api: LatchkeyApiOptions, id: string, flags: JsonFlag & { yes?: true }): Promise<void> {
  const isAsked = flags.yes !== true && process.stdin.isTTY === true && process.stdout.isTTY === true;
  if (isAsked) await askToRemove(id);
  await createServersApi(api).remove(id);
  print(flags.json ? jsonLine({ id, removed: true }) : `Removed: ${id}\n`);
}

async function askToRemove(id: string): Promise<void> {
  const message = `Remove ${id}? Its connections can't be used any more, and its steps fail.`;
  const answer = await confirm({ message, initialValue: false, output: process.stderr });
  if (isCancel(answer) || !answer)
    throw new CommandRefused('Not removed. `latchkey servers pause` stops its calls for a while.');
}

function addSwitch(servers: Command, name: 'pause' | 'resume', description: string): void {
  servers
    .command(name)
    .description(description)
    .argument(...SERVER_ID)
    .option('--json', 'print the server as one JSON object')
    .addHelpText('after', () => apiHelp(`npx latchkey servers ${name} ledger`, EXIT_CODES))
    .action((id: string, { json }: JsonFlag) =>
      runApiCommand(async (api) => {
        const server = await createServersApi(api).setPaused(id, name === 'pause');
        print(json ? jsonLine(server) : `${server.paused ? 'Paused' : 'Active'}: ${id}\n`);
      }),
    );
}

function jsonLine(value: object): string {
  return `${JSON.stringify(value)}\n`;
}

function print(text: string): void {
  process.stdout.write(text);
}
