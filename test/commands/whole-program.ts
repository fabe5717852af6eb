import { Command } from 'commander';
import { addAdmin } from '../../src/commands/admin.ts';
import { addAudit } from '../../src/commands/audit.ts';
import { addCompletion } from '../../src/commands/completion.ts';
import { addConnections } from '../../src/commands/connections.ts';
import { addDoctor } from '../../src/commands/doctor.ts';
import { addKeys } from '../../src/commands/keys.ts';
import { addRepair } from '../../src/commands/repair.ts';
import { addMigrate, addServer, addWorker } from '../../src/commands/roles.ts';
import { addServers } from '../../src/commands/servers.ts';
import { addSteps } from '../../src/commands/steps.ts';
import { addTools } from '../../src/commands/tools.ts';
import { addUsers } from '../../src/commands/users.ts';
import { addDev } from '../../src/dev/command.ts';

/** What adds a group of commands, by its name in `src/cli.ts`, which runs when it is imported. */
export const GROUPS: Readonly<Record<string, (program: Command) => void>> = {
  addMigrate,
  addWorker,
  addServer,
  addDev,
  addDoctor,
  addKeys,
  addRepair,
  addUsers,
  addServers,
  addConnections,
  addTools,
  addAdmin,
  addAudit,
  addSteps,
  addCompletion,
};

/** The command line with all its groups, to be looked at. */
export function wholeProgram(): Command {
  const program = new Command('latchkey');
  for (const add of Object.values(GROUPS)) add(program);
  return program;
}
