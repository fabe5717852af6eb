import { readdirSync, readFileSync } from 'node:fs';
import { Command } from 'commander';
import { expect, test } from 'vitest';
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

const ROOT = new URL('../../', import.meta.url);
const GROUPS = [
  ...[addMigrate, addWorker, addServer, addDev, addKeys, addRepair, addUsers],
  ...[addServers, addConnections, addTools, addAdmin, addAudit, addSteps, addDoctor, addCompletion],
];

test('every latchkey command in a shell block of a page exists, with its options', () => {
  const program = new Command('latchkey');
  for (const add of GROUPS) add(program);
  const commands = pages().flatMap(commandsOf);

  expect(commands.length).toBeGreaterThan(20);
  expect(commands.filter(({ words }) => !isKnown(program, words))).toEqual([]);
});

interface ShownCommand {
  page: string;
  /** Without what is in quotation marks. */
  words: string[];
}

function pages(): string[] {
  const docs = readdirSync(new URL('docs', ROOT)).filter((name) => name.endsWith('.md'));
  return ['README.md', ...docs.map((name) => `docs/${name}`)];
}

function commandsOf(page: string): ShownCommand[] {
  const text = readFileSync(new URL(page, ROOT), 'utf8');
  const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block);
  return blocks.flatMap((block) =>
    [...withoutQuotes(block).matchAll(/\bnpx latchkey ([^|;&#\n)]*)/g)].map(([, words = '']) => ({
      page,
      words: words.trim().split(/\s+/),
    })),
  );
}

function withoutQuotes(block: string): string {
  return block.replaceAll(/\\\n/g, ' ').replaceAll(/'[^']*'|"[^"$]*"/g, 'quoted');
}

function isKnown(program: Command, words: readonly string[]): boolean {
  let command = program;
  for (const word of words) {
    const next = command.commands.find((one) => one.name() === word);
    if (next === undefined) break;
    command = next;
  }
  const options = ['--help', ...command.options.map(({ long }) => long)];
  const used = words.filter((word) => word.startsWith('--')).map((word) => word.split('=')[0]);
  return command.commands.length === 0 && command !== program && used.every((one) => options.includes(one));
}
