#!/usr/bin/env node
import { Command } from 'commander';
import { addKeys } from './commands/keys.ts';
import { addNotAvailable } from './commands/not-available.ts';
import { addRepair } from './commands/repair.ts';
import { addDev, addMigrate, addServer, addWorker } from './commands/roles.ts';
import { addUsers } from './commands/users.ts';
import { packageVersion } from './config/version.ts';

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
