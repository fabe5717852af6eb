import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startNode, type TypescriptProcess } from '../../support/child-process.ts';

const exec = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** An example of this repository in a folder of its own, with Latchkey's tarball instead of the repository. */
export interface PackedProject {
  readonly folder: string;
  /**
   * Runs a TypeScript file of the project as its scripts do (`node --import tsx`), in one process, so that its id is
   * the program's. Its stderr is this process's.
   *
   * @param environment beside this process's own
   */
  start(file: string, environment: Record<string, string>, ...args: string[]): TypescriptProcess;
  remove(): Promise<void>;
}

/** How long packing and installing may take. */
export const PACK_MS = 5 * 60_000;

/**
 * Installs `examples/<example>` as a reader would, from npm, except for `latchkey`, which comes from `npm pack`.
 *
 * @param node the Node that the project's programs run on
 */
export async function packProject(example: string, node = process.execPath): Promise<PackedProject> {
  const folder = await mkdtemp(join(tmpdir(), `latchkey-${example}-`));
  await cp(join(ROOT, 'examples', example), folder, { recursive: true, filter: isSource });
  await useTarball(join(folder, 'package.json'), await packLatchkey(folder));
  await exec('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline'], { cwd: folder });
  return {
    folder,
    start: (file, environment, ...args) =>
      startNode(['--import', 'tsx', file, ...args], environment, { path: node, cwd: folder }),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

function isSource(path: string): boolean {
  return !path.endsWith('node_modules') && !path.endsWith('package-lock.json');
}

async function packLatchkey(folder: string): Promise<string> {
  await exec('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: ROOT });
  const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz'));
  if (tarball === undefined) throw new Error('npm pack made no tarball');
  return tarball;
}

async function useTarball(manifestPath: string, tarball: string): Promise<void> {
  const manifest = await readFile(manifestPath, 'utf8');
  await writeFile(manifestPath, manifest.replace('file:../..', `file:./${tarball}`));
}
