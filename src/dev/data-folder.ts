import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CannotRun } from '../process/cannot-run.ts';
import { DevSecretsDamaged } from './dev-secrets.ts';

/**
 * Creates a folder and its parents. Node's option `recursive` never returns if the file system reports ENOENT for a
 * folder whose parent exists, as /proc does.
 *
 * @throws the file system's error code; ENOTDIR if a file has that path
 */
export async function makeFolder(path: string): Promise<void> {
  const code = await tryMkdir(path);
  if (code === undefined) return;
  if (code === 'EEXIST') return refuseFile(path);
  const parent = dirname(path);
  if (code !== 'ENOENT' || parent === path || (await exists(parent))) throw withCode(code);
  await makeFolder(parent);
  const again = await tryMkdir(path);
  if (again !== undefined && again !== 'EEXIST') throw withCode(again);
}

/** Converts an error of the data folder to a message for the operator. Returns any other error unchanged. */
export function dataFolderFailure(error: unknown, dataDir: string): unknown {
  if (error instanceof DevSecretsDamaged) {
    const message = `${error.path} is damaged: restore it, or remove the data folder ${dataDir} with all that is encrypted in it, or set LATCHKEY_DATA_DIR to another one`;
    return new CannotRun(message, { cause: error });
  }
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (typeof code !== 'string' || !/^E[A-Z0-9]+$/.test(code)) return error;
  const message = `the data folder ${dataDir} can't be written (${code}): set LATCHKEY_DATA_DIR to a folder that this user may write to`;
  return new CannotRun(message, { cause: error });
}

/** Returns the file system's error code, or undefined if the folder was created. */
async function tryMkdir(path: string): Promise<string | undefined> {
  try {
    await mkdir(path);
    return undefined;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (typeof code !== 'string') throw error;
    return code;
  }
}

async function refuseFile(path: string): Promise<void> {
  if (!(await stat(path)).isDirectory()) throw withCode('ENOTDIR');
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function withCode(code: string): Error {
  return Object.assign(new Error(code), { code });
}
