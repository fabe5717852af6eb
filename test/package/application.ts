import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import { packLatchkey } from '../support/pack-latchkey.ts';

const exec = promisify(execFile);
const SOURCES = fileURLToPath(new URL('./application', import.meta.url));

/** The lowest version of Temporal's packages that package.json allows. */
export const OLDEST_TEMPORAL = '1.23.0';

export interface Manifest {
  name: string;
  version: string;
  engines?: { node?: string };
}

/** A project of somebody else, with Latchkey from its tarball, without this package's lockfile. */
export interface Application {
  folder: string;
  run(command: string, ...args: string[]): Promise<{ stdout: string; stderr: string }>;
  /** Runs the module, or the command in `node_modules/.bin`, until `stop` or the test's end. */
  start(program: string[], environment: Record<string, string>): RunningProgram;
  /** Of all packages in `node_modules`, at every depth. */
  manifests(): Promise<Manifest[]>;
  remove(): Promise<void>;
}

export interface RunningProgram {
  /** Resolves when the program has written that. @throws if it ends before, with all that it wrote */
  until(text: string): Promise<void>;
  /** Resolves to all that the program wrote, when it has ended by itself. */
  ended(): Promise<string>;
  stop(): Promise<void>;
}

/** Packs this project and installs it, without what only `latchkey dev` needs, beside the dependencies. */
export async function createApplication(dependencies: Record<string, string> = {}): Promise<Application> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-package-'));
  const run: Application['run'] = (command, ...args) => exec(command, args, { cwd: folder });
  const tarball = await packLatchkey(folder);
  const manifest = { name: 'app', private: true, type: 'module', dependencies };
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest));
  await run(
    'npm',
    'install',
    '--omit=optional',
    '--prefer-offline',
    '--no-audit',
    '--no-fund',
    `./${tarball}`,
  );
  await cp(SOURCES, folder, { recursive: true });
  return {
    folder,
    run,
    start: (program, environment) => start(folder, program, environment),
    manifests: () => manifests(join(folder, 'node_modules')),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Names and versions of the packages of Temporal's, and of `nexus-rpc`, that are installed more than once. */
export function secondCopies(installed: readonly Manifest[]): string[] {
  const shared = installed.filter(({ name }) => name.startsWith('@temporalio/') || name === 'nexus-rpc');
  const twice = shared.filter(({ name }) => shared.filter((other) => other.name === name).length > 1);
  return twice.map(({ name, version }) => `${name}@${version}`).sort();
}

function start(cwd: string, program: string[], environment: Record<string, string>): RunningProgram {
  const env = { ...process.env, ...environment };
  const child = spawn(process.execPath, program, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const closed = once(child, 'close');
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  return {
    async until(text) {
      while (!output.includes(text)) {
        if (hasEnded(child)) throw new Error(`the program ended without "${text}":\n${output}`);
        await Promise.race([closed, once(child.stdout, 'data'), once(child.stderr, 'data')]);
      }
    },
    ended: () => closed.then(() => output),
    async stop() {
      child.kill('SIGTERM');
      await closed;
    },
  };
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

async function manifests(folder: string): Promise<Manifest[]> {
  const paths = (await readdir(folder, { recursive: true })).filter((path) =>
    /(^|node_modules\/)(@[^/]+\/)?[^/@.][^/]*\/package\.json$/.test(path),
  );
  const read = async (path: string) => JSON.parse(await readFile(join(folder, path), 'utf8')) as Manifest;
  return (await Promise.all(paths.map(read))).filter(({ name, version }) => name && version);
}
