import type { Argument, Command, Option } from 'commander';

/** What a shell can complete of a command: read from commander, so that it can't differ from the commands themselves. */
export interface CompletionNode {
  /** The words after `latchkey`, such as `steps start`. Empty for `latchkey` itself. */
  path: string[];
  subcommands: Completion[];
  options: OptionCompletion[];
  /** What each argument may be, where that is known. */
  argumentChoices: string[][];
}

export interface Completion {
  word: string;
  description: string;
}

export interface OptionCompletion {
  /** `--json`, or `-h` and `--help`. */
  flags: string[];
  description: string;
  /** Whether a word follows. */
  takesValue: boolean;
  choices: string[];
}

/** Returns the command and all below it, without those that the help hides. */
export function completionTree(command: Command, path: string[] = []): CompletionNode[] {
  const help = command.createHelp();
  const subcommands = help.visibleCommands(command);
  const node: CompletionNode = {
    path,
    subcommands: subcommands.map((one) => ({ word: one.name(), description: firstPart(one.description()) })),
    options: help.visibleOptions(command).map(optionOf),
    argumentChoices: command.registeredArguments.map(choicesOf),
  };
  // Of the help command, which commander adds, only the name is completed.
  const below = subcommands.filter((one) => command.commands.includes(one));
  return [node, ...below.flatMap((one) => completionTree(one, [...path, one.name()]))];
}

function optionOf(option: Option): OptionCompletion {
  return {
    flags: [option.short, option.long].filter((flag) => flag !== undefined),
    description: firstPart(option.description),
    takesValue: option.required || option.optional,
    choices: [...(option.argChoices ?? [])],
  };
}

function choicesOf(argument: Argument): string[] {
  return [...(argument.argChoices ?? [])];
}

/** A shell shows a description beside the word, in one line. */
function firstPart(description: string): string {
  return description.split(/[;:(]/, 1)[0]?.trim() ?? '';
}
