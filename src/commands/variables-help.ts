import { type Role, variablesOfRole } from '../config/load-config.ts';

/** Lists the environment variables of a role, for its `--help`. */
export function variablesHelp(role: Role): string {
  const variables = variablesOfRole(role);
  const width = Math.max(...variables.map(({ name }) => name.length));
  const lines = variables.map(({ name, meaning, unset }) => `  ${name.padEnd(width)}  ${meaning} (${unset})`);
  return ['', 'Environment variables:', ...lines, '', 'More: docs/configuration.md'].join('\n');
}
