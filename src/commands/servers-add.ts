import { type Command, InvalidArgumentError, Option } from 'commander';
import type { LatchkeyApiOptions } from '../client/api-request.ts';
import { createServersApi } from '../client/servers-api.ts';
import { TOKEN_ENDPOINT_AUTH_METHODS } from '../schemas/token-endpoint-auth-method.ts';
import { apiHelp } from './api-help.ts';
import { CommandRefused } from './command-refused.ts';
import { SOURCES } from './input-source.ts';
import { parseId } from './parse-id.ts';
import { API_EXIT_CODES, runApiCommand } from './run-api-command.ts';
import { AUTH_TYPES, type RegistrationFlags, registrationOf } from './server-registration.ts';

interface AddFlags extends RegistrationFlags {
  replace?: true;
  json?: true;
}

const HELP = `${API_EXIT_CODES}
This needs an admin: a token with the scope latchkey:admin.
<source> is ${SOURCES}. A secret is never an argument,
because other users of the machine may see those. A query of the URL may be one: give the URL by its source then.`;

export function addAdd(servers: Command): void {
  const add = servers
    .command('add')
    .description('register an MCP server; refused if the id is taken, unless with --replace')
    .argument('<server>', 'the id that it gets', parseId)
    .argument('<url>', 'its address, which often ends with /mcp, or its <source>')
    .option(
      '--replace',
      'replace the whole registration; if its origin or its authorization server changes, users have to connect again',
    );
  addAuthOptions(add);
  add
    .option('--title <text>', 'what people see instead of the id')
    .option('--headers <source>', 'headers of every request, as a JSON object')
    .option('--trust-annotations', "trust what the server says about its tools' side effects")
    .option('--max-result-bytes <count>', 'the largest result of a tool (default: 10 MiB)', parseCount)
    .option('--max-concurrent-calls <count>', 'calls at once, over all workers', parseCount)
    .option('--paused', 'its steps wait until it is resumed')
    .option('--json', 'print the server as one JSON object, as PUT /mcp-servers/:id answers')
    .addHelpText('after', () =>
      apiHelp('npx latchkey servers add ledger https://ledger.example.com/mcp', HELP),
    )
    .action((id: string, url: string, flags: AddFlags) =>
      runApiCommand((api) => run(api, { id, url }, flags)),
    );
}

function addAuthOptions(add: Command): void {
  add
    .addOption(
      new Option('--auth <type>', 'oauth2: each user connects; bearer: one token for all users')
        .choices(AUTH_TYPES)
        .default('oauth2'),
    )
    .option('--token <source>', 'with --auth bearer: the token')
    .option('--client-id <id>', 'your OAuth client, where the authorization server registers none by itself')
    .option('--client-secret <source>', "your client's secret")
    .option('--private-key <source>', "your client's private key, as a JWK")
    .addOption(
      new Option('--token-endpoint-auth-method <method>', 'how your client authenticates').choices(
        TOKEN_ENDPOINT_AUTH_METHODS,
      ),
    )
    .option('--scopes <scopes>', 'what users are asked to allow, separated by spaces')
    .option('--authorization-server <issuer>', 'where it is not discovered')
    .option('--authorization-endpoint <url>', "replaces the metadata's")
    .option('--token-endpoint <url>', "replaces the metadata's")
    .option('--revocation-endpoint <url>', "replaces the metadata's")
    .option(
      '--authorization-param <name=value>',
      'a parameter of every authorization request; can be repeated',
      collectParam,
    )
    .option('--resource <uri>', 'the resource of its grants (RFC 8707), or omit')
    .option('--idle-limit <duration>', 'its authorization server forgets grants that are unused for so long');
}

async function run(
  api: LatchkeyApiOptions,
  { id, url }: { id: string; url: string },
  flags: AddFlags,
): Promise<void> {
  const registration = await registrationOf(url, flags);
  const servers = createServersApi(api);
  if (flags.replace !== true && (await servers.has(id))) {
    throw new CommandRefused(`${id} is registered already. --replace replaces its whole registration.`);
  }
  const { server, created } = await servers.put(id, registration);
  const done = created ? 'Added' : 'Replaced';
  const next = server.auth.type === 'oauth2' ? `\nConnect it: latchkey connections connect ${id}` : '';
  process.stdout.write(flags.json ? `${JSON.stringify(server)}\n` : `${done}: ${id}${next}\n`);
}

function collectParam(text: string, params: Record<string, string> = {}): Record<string, string> {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new InvalidArgumentError('<name>=<value>');
  return { ...params, [name]: value };
}

function parseCount(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text)) throw new InvalidArgumentError('a whole number, at least 1');
  return Number(text);
}
