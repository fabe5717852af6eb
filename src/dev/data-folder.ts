import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CannotRun } from '../process/cannot-run.ts';
import { DevSecretsDamaged } from './dev-secrets.ts';

/**
 * Makes a folder and those above it. Node's own `recursive` never ends where the file system says ENOENT of a folder
 * in one that is there, as /proc does.
 *
 * @throws what the file system says, ENOTDIR for a file in the way
 */
export async function makeFolder(path: string): Promise<void> {
  const code = await codeOfMkdir(path);
  if (code === undefined) return;
  if (code === 'EEXIST') return refuseFile(path);
  const parent = dirname(path);
  if (code !== 'ENOENT' || parent === path || (await isThere(parent))) throw withCode(code);
  await makeFolder(parent);
  const again = await codeOfMkdir(path);
  if (again !== undefined && again !== 'EEXIST') throw withCode(again);
}

/** Why the data folder can't be used, or the error as it is. */
export function dataFolderFailure(error: unknown, dataDir: string): unknown {
  if (error instanceof DevSecretsDamaged) {
    const what = `${error.path} is damaged: restore it, or remove the data folder ${dataDir} with all that is encrypted in it, or set LATCHKEY_DATA_DIR to another one`;
    return new CannotRun(what, { cause: error });
  }
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (typeof code !== 'string' || !/^E[A-Z0-9]+$/.test(code)) return error;
  const what = `the data folder ${dataDir} can't be written (${code}): set LATCHKEY_DATA_DIR to a folder that this user may write to`;
  return new CannotRun(what, { cause: error });
}

async function codeOfMkdir(path: string): Promise<string | undefined> {
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

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function withCode(code: string): Error {
  return Object.assign(new Error(code), { code });
}
