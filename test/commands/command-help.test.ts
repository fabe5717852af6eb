import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { addCompletion } from '../../src/commands/completion.ts';
import { addConnections } from '../../src/commands/connections.ts';
import { addDoctor } from '../../src/commands/doctor.ts';
import { addServers } from '../../src/commands/servers.ts';
import { addSteps } from '../../src/commands/steps.ts';
import { addTools } from '../../src/commands/tools.ts';

const COMMANDS = commandsOf(programOfUsers());

describe('the help', () => {
  test.for(COMMANDS)('of %s has an example of it, and the exit codes', ([name, command]) => {
    const help = helpOf(command);
    expect(help).toMatch(new RegExp(`^Example: (npx |source <\\()latchkey ${name} ?`, 'm'));
    if (name !== 'completion') expect(help).toContain('Exit code: 0');
  });

  test('is there for each command that was promised', () => {
    const of = (group: string, ...names: string[]) => names.map((name) => `${group} ${name}`);
    expect(COMMANDS.map(([name]) => name)).toEqual(
      expect.arrayContaining([
        ...of('servers', 'add', 'list', 'show', 'pause', 'resume', 'remove'),
        ...of('steps', 'start', 'show', 'list', 'approve', 'reject', 'resolve', 'cancel'),
        ...of('connections', 'list', 'connect', 'disconnect'),
        ...of('tools', 'list', 'preflight'),
        ...['doctor', 'completion'],
      ]),
    );
  });
});

function programOfUsers(): Command {
  const program = new Command('latchkey');
  for (const add of [addServers, addSteps, addConnections, addTools, addDoctor, addCompletion]) add(program);
  return program;
}

/** The commands that do something, by the words after `latchkey`, without those that the help hides. */
function commandsOf(command: Command, path: string[] = []): [name: string, command: Command][] {
  const visible = command.createHelp().visibleCommands(command);
  const below = command.commands.filter((one) => visible.includes(one));
  if (below.length === 0) return [[path.join(' '), command]];
  return below.flatMap((one) => commandsOf(one, [...path, one.name()]));
}

function helpOf(command: Command): string {
  let help = '';
  command.configureOutput({
    writeOut: (text) => {
      help += text;
    },
  });
  command.outputHelp();
  return help;
}
