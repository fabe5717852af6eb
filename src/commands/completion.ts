import { Argument, type Command } from 'commander';
import { completionScript, SHELLS, type Shell } from './completion-scripts.ts';
import { completionTree } from './completion-tree.ts';

const HELP = `
Example: source <(latchkey completion bash)

bash   add that line to ~/.bashrc
zsh    source <(latchkey completion zsh) in ~/.zshrc, after compinit
fish   latchkey completion fish > ~/.config/fish/completions/latchkey.fish
It completes \`latchkey\` where that is on the PATH; \`npx latchkey\` is not completed.`;

/** Adds the command that prints a script for a shell, with all commands that the program has when it runs. */
export function addCompletion(program: Command): void {
  program
    .command('completion')
    .description('print a script that completes commands and options in your shell')
    .addArgument(new Argument('<shell>', 'your shell').choices(SHELLS))
    .addHelpText('after', HELP)
    .action((shell: Shell) => {
      process.stdout.write(completionScript(shell, completionTree(program)));
    });
}
