#!/usr/bin/env node
import { setDefaultAutoSelectFamilyAttemptTimeout } from 'node:net';
import { Command } from 'commander';
import { addKeys } from './commands/keys.ts';
import { addNotAvailable } from './commands/not-available.ts';
import { addRepair } from './commands/repair.ts';
import { addMigrate, addServer, addWorker } from './commands/roles.ts';
import { addUsers } from './commands/users.ts';
import { packageVersion } from './config/version.ts';
import { addDev } from './dev/command.ts';

// Of a name with several addresses Node gives each 250 ms, and a slow network needs more to reach any: the key set of
// an issuer and Postgres are reached by sockets that take no option. https://nodejs.org/api/net.html
setDefaultAutoSelectFamilyAttemptTimeout(2_500);

const program = new Command('latchkey')
  .description('MCP tool calls as durable Temporal workflow steps on behalf of end users')
  .version(packageVersion())
  .showHelpAfterError();

addMigrate(program);
addWorker(program);
addServer(program);
addDev(program);
addKeys(program);
addRepair(program);
addUsers(program);
addNotAvailable(program, ['servers', 'steps', 'connections']);

await program.parseAsync();
