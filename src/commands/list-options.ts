import { InvalidArgumentError, Option } from 'commander';

/** Options that the lists over the HTTP API share. */
export const LIMIT = ['--limit <count>', 'how many in one page, 1–100 (default: 20)', parseLimit] as const;

/** An option that takes one of a list's words, which the help and the shell completion then show. */
export function choiceOption(flags: string, description: string, choices: readonly string[]): Option {
  return new Option(flags, description).choices(choices);
}

function parseLimit(text: string): number {
  if (!/^([1-9]\d?|100)$/.test(text)) throw new InvalidArgumentError('a whole number from 1 to 100');
  return Number(text);
}
