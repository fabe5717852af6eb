import { API_EXIT_CODES } from './run-api-command.ts';
import { apiVariablesHelp } from './variables-help.ts';

/**
 * The end of the help of a command over the HTTP API: an example, the exit codes, and the variables.
 *
 * @param page the page about the command
 */
export function apiHelp(example: string, exitCodes = API_EXIT_CODES, page = 'docs/cli.md'): string {
  return `\nExample: ${example}\n${exitCodes}\n${apiVariablesHelp(page)}`;
}
