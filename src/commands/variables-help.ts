import { type Role, variablesOfApiAccess, variablesOfRole } from '../config/load-config.ts';
import type { VariableHelp } from '../config/part.ts';

/** Lists the environment variables of a role, for its `--help`. */
export function variablesHelp(role: Role): string {
  return toText(variablesOfRole(role));
}

const OPERATOR_EXIT_CODES = `
Exit code: 0 done, or ended by a signal once it has drained; 1 it failed, and says why; 2 wrong configuration.
`;

/** The end of the help of an operator's command: an example, the exit codes, and the variables. */
export function operatorHelp(example: string, role: Role, exitCodes = OPERATOR_EXIT_CODES): string {
  return `\nExample: ${example}\n${exitCodes}${variablesHelp(role)}`;
}

/** Lists the environment variables of a command over the HTTP API, for its `--help`. */
export function apiVariablesHelp(): string {
  return toText(variablesOfApiAccess());
}

function toText(variables: readonly VariableHelp[]): string {
  const width = Math.max(...variables.map(({ name }) => name.length));
  const lines = variables.map(({ name, meaning, unset }) => `  ${name.padEnd(width)}  ${meaning} (${unset})`);
  return ['', 'Environment variables:', ...lines, '', 'More: docs/configuration.md'].join('\n');
}
