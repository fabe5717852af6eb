import { statSync } from 'node:fs';
import type { Environment } from './part.ts';
import type { ConfigProblem } from './problem.ts';

/**
 * Converts an error of `@temporalio/envconfig` to a problem with a variable. Does not use the error's message, which
 * quotes values or lines of the file.
 */
export function temporalProblem(error: unknown, env: Environment): ConfigProblem {
  const { message, code, path, line } = asFields(error);
  if (typeof code === 'string')
    return { variable: variableOfPath(path, env), problem: `cannot be read (${code})` };
  if (typeof line === 'number') return fileProblem(`is not valid TOML (line ${line})`);
  const twice = /^Cannot specify both (\w+)_path and/.exec(message);
  if (twice !== null) return givenTwice(`TEMPORAL_TLS_${twice[1]?.toUpperCase()}`, env);
  if (message.startsWith('Profile ')) {
    return {
      variable: 'TEMPORAL_PROFILE',
      problem: 'names a profile that the configuration file does not have',
    };
  }
  return fileProblem('is not a Temporal client configuration');
}

interface ErrorFields {
  message: string;
  code?: unknown;
  path?: unknown;
  line?: unknown;
}

function asFields(error: unknown): ErrorFields {
  return error instanceof Error ? error : { message: '' };
}

function fileProblem(problem: string): ConfigProblem {
  return { variable: 'TEMPORAL_CONFIG_FILE', problem };
}

/** A path that no variable names comes from the configuration file, or is the default path of that file. */
function variableOfPath(path: unknown, env: Environment): string {
  const named = Object.entries(env).find(
    // The error EISDIR, of reading a directory, has no path.
    ([name, value]) =>
      /^TEMPORAL_TLS_\w+_PATH$/.test(name) && (path === undefined ? isDirectory(value) : value === path),
  );
  return named?.[0] ?? 'TEMPORAL_CONFIG_FILE';
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Names the variable of the two that is set: the other value may come from the configuration file. */
function givenTwice(prefix: string, env: Environment): ConfigProblem {
  const variable = env[`${prefix}_DATA`] === undefined ? `${prefix}_PATH` : `${prefix}_DATA`;
  const other = variable === `${prefix}_DATA` ? `${prefix}_PATH` : `${prefix}_DATA`;
  return { variable, problem: `cannot be set beside ${other}` };
}
