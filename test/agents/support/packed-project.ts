import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startNode, type TypescriptProcess } from '../../support/child-process.ts';
import { packLatchkey } from '../../support/pack-latchkey.ts';

const exec = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const TSC = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');

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
  /** What TypeScript says of the example and the packages that it got: nothing, if all is well. */
  checkTypes(): Promise<string>;
  /** Ends what is left of its processes, and removes the folder. */
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
  const processes: TypescriptProcess[] = [];
  return {
    folder,
    start(file, environment, ...args) {
      const program = ['--import', 'tsx', file, ...args];
      const started = startNode(program, environment, { path: node, cwd: folder });
      processes.push(started);
      return started;
    },
    checkTypes: () => checkTypes(folder),
    async remove() {
      await Promise.all(processes.map((one) => one.kill()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function checkTypes(folder: string): Promise<string> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.ts'));
  const options = ['--noEmit', '--strict', '--skipLibCheck', '--allowImportingTsExtensions'];
  const target = ['--module', 'nodenext', '--target', 'es2023'];
  return exec(process.execPath, [TSC, ...options, ...target, ...files], { cwd: folder }).then(
    ({ stdout }) => stdout,
    ({ stdout }: { stdout: string }) => stdout,
  );
}

function isSource(path: string): boolean {
  return !path.endsWith('node_modules') && !path.endsWith('package-lock.json');
}

async function useTarball(manifestPath: string, tarball: string): Promise<void> {
  const manifest = await readFile(manifestPath, 'utf8');
  await writeFile(manifestPath, manifest.replace('file:../..', `file:./${tarball}`));
}
