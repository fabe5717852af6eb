import type { Command } from 'commander';
import { refuse } from '../process/run-role.ts';

/** Commands that the contract names and this version lacks: told plainly, never a pretence. */
export function addNotAvailable(program: Command, names: readonly string[]): void {
  for (const name of names) {
    program
      .command(name, { hidden: true })
      .allowUnknownOption()
      .argument('[args...]')
      .action(() => refuse(`latchkey ${name}: not available in this version`));
  }
}
