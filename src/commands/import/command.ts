import { type Command, InvalidArgumentError, Option } from 'commander';
import type { LatchkeyApiOptions } from '../../client/api-request.ts';
import { apiHelp } from '../api-help.ts';
import { CommandRefused } from '../command-refused.ts';
import { SOURCES } from '../input-source.ts';
import { parseId } from '../parse-id.ts';
import { runApiCommand } from '../run-api-command.ts';
import { FORMATS, type FormatFlags, formatOf } from './format-flags.ts';
import { importConnections } from './import-connections.ts';
import { isSameFile, readLineNumbers, writeLineNumbers } from './line-numbers.ts';

interface ImportFlags extends FormatFlags {
  dryRun?: true;
  replace?: true;
  concurrency: number;
  resumeFrom: number;
  onlyLines?: string;
  failedLines?: string;
  json?: true;
}

const EXAMPLE = 'npx latchkey connections import < connections.ndjson';
const EXIT_CODES = `
Exit code: 0 all lines are done, which includes those that are connected or were disconnected; 1 lines failed, or it
could not go on; 2 wrong configuration, or no Latchkey to ask; 130 stopped by Ctrl-C; 143 by SIGTERM. Running it again
is harmless.
A line is the body of POST /mcp-oauth-credentials and \`userId\`. For other users than its own the token needs the scope
latchkey:act-for-users. Values of a line are never printed.
<source> is ${SOURCES.replace('- for standard input, ', '')}. docs/import.md shows how to move from Nango and LibreChat.`;

export function addImport(connections: Command): void {
  const command = connections
    .command('import')
    .description('deposit the connections of standard input, one JSON object a line')
    .option('--dry-run', 'say what would happen to each line; store nothing')
    .option('--replace', 'also deposit for accounts that are connected (default: they stay as they are)')
    .option('--own', "lines without userId are of the token's own user (default: they fail)")
    .option('--concurrency <count>', 'requests at once, 1–100', parseConcurrency, 8)
    .option('--resume-from <line>', 'leave out the lines before this one', parseLine, 1)
    .option('--only-lines <file>', 'only the lines that this file names, such as that of --failed-lines')
    .option(
      '--failed-lines <file>',
      'write the numbers of the lines that fail to this file, or add them to it if resumed',
    );
  addFormatOptions(command);
  command
    .option('--json', 'one JSON object for each line that was not stored, and one at the end')
    .addHelpText('after', () => apiHelp(EXAMPLE, EXIT_CODES, 'docs/import.md'))
    .action((flags: ImportFlags) => runApiCommand((api) => run(api, flags), stopsByItself));
}

function addFormatOptions(command: Command): void {
  command
    .addOption(new Option('--from <system>', "standard input is this system's export").choices(FORMATS))
    .option(
      '--map <name=server>',
      'what a server is called there, and its id here; can be repeated',
      collectMap,
    )
    .option('--map-file <file>', 'the same with token endpoints and clients, as a JSON object')
    .option('--token-endpoint <url>', 'where neither the export nor the map file has one')
    .option('--client-id <id>', 'the client, where neither has one')
    .option('--client-secret <source>', 'its secret, where neither has one')
    .option('--user-map <file>', "a JSON object from that system's ids of users to the ids here")
    .option('--user-field <path>', 'nango: where a connection says whose it is (default: tags.end_user_id)')
    .option(
      '--account-field <path>',
      'nango: where it says which account it is (default: all are `default`)',
    );
}

/** `importConnections` listens, and stops after the requests under way. */
function stopsByItself(): void {}

async function run(api: LatchkeyApiOptions, flags: ImportFlags): Promise<void> {
  const { onlyLines, failedLines } = flags;
  if (process.stdin.isTTY)
    throw new CommandRefused('Standard input must have the connections: give `< file`.');
  if (onlyLines !== undefined && failedLines !== undefined && (await isSameFile(onlyLines, failedLines))) {
    throw new CommandRefused(
      '--failed-lines must name another file than --only-lines, which it would replace.',
    );
  }
  const options = {
    format: await formatOf(flags),
    replace: flags.replace ?? false,
    dryRun: flags.dryRun ?? false,
    json: flags.json ?? false,
    concurrency: flags.concurrency,
    resumeFrom: flags.resumeFrom,
    onlyLines: onlyLines === undefined ? undefined : await readLineNumbers(onlyLines),
    failedLines:
      failedLines === undefined
        ? undefined
        : await writeLineNumbers(failedLines, { adds: flags.resumeFrom > 1 }),
  };
  await importConnections(api, process.stdin, options);
}

function parseConcurrency(text: string): number {
  if (!/^([1-9]\d?|100)$/.test(text)) throw new InvalidArgumentError('a whole number from 1 to 100');
  return Number(text);
}

function parseLine(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new InvalidArgumentError('a line number, at least 1');
  return Number(text);
}

function collectMap(text: string, map: Record<string, string> = {}): Record<string, string> {
  const at = text.lastIndexOf('=');
  if (at < 1) throw new InvalidArgumentError('<name>=<server>');
  return { ...map, [text.slice(0, at)]: parseId(text.slice(at + 1)) };
}
