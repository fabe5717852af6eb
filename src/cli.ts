#!/usr/bin/env node
import { setDefaultAutoSelectFamilyAttemptTimeout } from 'node:net';
import { Command } from 'commander';
import { addAdmin } from './commands/admin.ts';
import { addAudit } from './commands/audit.ts';
import { addCompletion } from './commands/completion.ts';
import { addConnections } from './commands/connections.ts';
import { addDoctor } from './commands/doctor.ts';
import { addKeys } from './commands/keys.ts';
import { addRepair } from './commands/repair.ts';
import { addMigrate, addServer, addWorker } from './commands/roles.ts';
import { addServers } from './commands/servers.ts';
import { addSteps } from './commands/steps.ts';
import { addTools } from './commands/tools.ts';
import { addUsers } from './commands/users.ts';
import { packageVersion } from './config/version.ts';
import { addDev } from './dev/command.ts';

// If a name has several addresses, Node tries each for 250 ms, which is too short on a slow network. The sockets to
// an issuer's key set and to Postgres take no option, so the default is raised. https://nodejs.org/api/net.html
setDefaultAutoSelectFamilyAttemptTimeout(2_500);

const program = new Command('latchkey')
  .description('MCP tool calls as durable Temporal workflow steps on behalf of end users')
  .version(packageVersion())
  .showHelpAfterError();

addMigrate(program);
addWorker(program);
addServer(program);
addDev(program);
addDoctor(program);
addKeys(program);
addRepair(program);
addUsers(program);
addServers(program);
addConnections(program);
addTools(program);
addAdmin(program);
addAudit(program);
addSteps(program);
addCompletion(program);

await program.parseAsync();
