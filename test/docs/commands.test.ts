import { readdirSync, readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { wholeProgram } from '../commands/whole-program.ts';

const ROOT = new URL('../../', import.meta.url);

test('every latchkey command in a shell block of a page exists, with its options', () => {
  const program = wholeProgram();
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
