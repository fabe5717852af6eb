import type { Command } from 'commander';
import { refuse } from '../process/run-role.ts';

/** Adds commands that this version does not have yet: they say so and exit. */
export function addNotAvailable(program: Command, names: readonly string[]): void {
  for (const name of names) {
    program
      .command(name, { hidden: true })
      .allowUnknownOption()
      .argument('[args...]')
      .action(() => refuse(`latchkey ${name}: not available in this version`));
  }
}
