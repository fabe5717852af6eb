import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { GROUPS, wholeProgram } from './whole-program.ts';

const COMMANDS = commandsOf(wholeProgram());

describe('the help', () => {
  test.for(COMMANDS)('of %s has an example of it, and the exit codes', ([name, command]) => {
    const help = helpOf(command);
    expect(help).toMatch(new RegExp(`^Example: (npx |source <\\()latchkey ${name} ?`, 'm'));
    if (name !== 'completion') expect(help).toContain('Exit code: 0');
  });

  test('is looked at in all groups of commands', () => {
    const cli = readFileSync(new URL('../../src/cli.ts', import.meta.url), 'utf8');
    const added = [...cli.matchAll(/^(add\w+)\(program\);$/gm)].map(([, name]) => name);
    expect(Object.keys(GROUPS).sort()).toEqual(added.sort());
  });

  test('is there for each command that was promised', () => {
    const of = (group: string, ...names: string[]) => names.map((name) => `${group} ${name}`);
    expect(COMMANDS.map(([name]) => name)).toEqual(
      expect.arrayContaining([
        ...of('servers', 'add', 'list', 'show', 'pause', 'resume', 'remove'),
        ...of('steps', 'start', 'show', 'list', 'approve', 'reject', 'resolve', 'cancel'),
        ...of('connections', 'list', 'connect', 'disconnect', 'import'),
        ...of('tools', 'list', 'preflight'),
        ...of('admin', 'steps', 'connections'),
        ...of('keys', 'rotate', 'status'),
        ...['users forget', 'audit export'],
        ...['dev', 'worker', 'server', 'migrate', 'repair', 'doctor', 'completion'],
      ]),
    );
  });
});

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
