import { type Role, variablesOfApiAccess, variablesOfRole } from '../config/load-config.ts';
import type { VariableHelp } from '../config/part.ts';

/** Lists the environment variables of a role, for its `--help`. */
export function variablesHelp(role: Role): string {
  return toText(variablesOfRole(role));
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
