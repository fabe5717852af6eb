import { accessSync, constants, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** The environment variables that configure where the servers' programs are. */
export interface ServerBinariesEnvironment {
  LATCHKEY_CACHE?: string | undefined;
  XDG_CACHE_HOME?: string | undefined;
  TEMPORAL_CLI_PATH?: string | undefined;
  TEMPORAL_TEST_SERVER_PATH?: string | undefined;
  PATH?: string | undefined;
}

export type FoundBinary =
  | { kind: 'found'; path: string; from: 'configured' | 'path' | 'cache' }
  /** The variable names a file that is not a program. Other places are not tried, because the user chose this one. */
  | { kind: 'misconfigured'; variable: string; path: string }
  /** `cachePath` is where a downloaded program is expected. */
  | { kind: 'missing'; cachePath: string };

/** Returns the folder of downloaded programs. It is outside `node_modules`, so that they survive `npm ci`. */
export function cacheFolder(environment: ServerBinariesEnvironment): string {
  if (environment.LATCHKEY_CACHE) return environment.LATCHKEY_CACHE;
  return join(environment.XDG_CACHE_HOME || join(homedir(), '.cache'), 'latchkey');
}

/** Finds Temporal's CLI, whose `server start-dev` is the dev server: configured, on the PATH, or cached. */
export function findTemporalCli(environment: ServerBinariesEnvironment): FoundBinary {
  return (
    findConfigured('TEMPORAL_CLI_PATH', environment) ??
    findOnPath(executableName('temporal'), environment.PATH) ??
    findCached(executableName('temporal'), environment)
  );
}

/** Finds Temporal's time-skipping test server: configured or cached. */
export function findTemporalTestServer(environment: ServerBinariesEnvironment): FoundBinary {
  return (
    findConfigured('TEMPORAL_TEST_SERVER_PATH', environment) ??
    findCached(executableName('temporal-test-server'), environment)
  );
}

/** The end of a message: how to install Temporal's CLI by hand. */
export const HOW_TO_INSTALL_TEMPORAL_CLI =
  'Install the Temporal CLI (https://docs.temporal.io/cli#install) so that `temporal` is on the PATH, ' +
  'or set TEMPORAL_CLI_PATH to it, or set TEMPORAL_ADDRESS to a running Temporal server.';

function findConfigured(
  variable: 'TEMPORAL_CLI_PATH' | 'TEMPORAL_TEST_SERVER_PATH',
  environment: ServerBinariesEnvironment,
): FoundBinary | undefined {
  const path = environment[variable];
  if (!path) return undefined;
  return isProgram(path)
    ? { kind: 'found', path, from: 'configured' }
    : { kind: 'misconfigured', variable, path };
}

function findOnPath(name: string, path = ''): FoundBinary | undefined {
  const folders = path.split(delimiter).filter((folder) => folder !== '');
  const found = folders.map((folder) => join(folder, name)).find(isProgram);
  return found === undefined ? undefined : { kind: 'found', path: found, from: 'path' };
}

function findCached(name: string, environment: ServerBinariesEnvironment): FoundBinary {
  const path = join(cacheFolder(environment), 'bin', name);
  return isProgram(path) ? { kind: 'found', path, from: 'cache' } : { kind: 'missing', cachePath: path };
}

function executableName(name: string): string {
  return process.platform === 'win32' ? `${name}.exe` : name;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
