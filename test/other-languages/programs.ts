import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cacheFolder } from '../../src/dev/embedded/server-binaries.ts';

const exec = promisify(execFile);
const PAGE = new URL('../../docs/other-languages.md', import.meta.url);
const GO_MODULE = fileURLToPath(new URL('go', import.meta.url));
const PYTHON_EXAMPLE = fileURLToPath(new URL('../../examples/python', import.meta.url));

/** A program that the page shows, ready to run; `missing` says what this machine lacks for it. */
export type Program = { kind: 'ready'; command: string; args: string[] } | { kind: 'missing'; what: string };

export interface ProgramEnd {
  code: number;
  stdout: string;
  stderr: string;
}

export async function runProgram(
  program: Program,
  args: string[],
  environment: Record<string, string>,
): Promise<ProgramEnd> {
  if (program.kind === 'missing') throw new Error(program.what);
  const env = { ...process.env, ...environment };
  return exec(program.command, [...program.args, ...args], { env }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { code?: number; stdout?: string; stderr?: string }) => ({
      code: error.code ?? -1,
      stdout: error.stdout ?? '',
      stderr: error.stderr ?? '',
    }),
  );
}

/** The page's code of a language: what it shows is what runs. */
export async function codeOf(language: 'python' | 'go'): Promise<string> {
  const page = await readFile(PAGE, 'utf8');
  const blocks = [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))];
  return blocks.map(([, code]) => code).join('\n\n');
}

export async function pythonProgram(): Promise<Program> {
  const script = join(await newFolder(), 'steps.py');
  await writeFile(script, await codeOf('python'));
  return pythonScript(script);
}

/** A file of `examples/python`. */
export function pythonExample(file: string): Promise<Program> {
  return pythonScript(join(PYTHON_EXAMPLE, file));
}

/** In an environment of its own, with what the example requires. It is kept for other runs. */
async function pythonScript(script: string): Promise<Program> {
  if (!(await answers('python3', ['--version']))) {
    return { kind: 'missing', what: 'Python 3.10 or newer (`python3`) is not installed' };
  }
  const requirements = (await readFile(join(PYTHON_EXAMPLE, 'requirements.txt'), 'utf8')).trim();
  const environment = join(cacheFolder(process.env), `python-${requirements.replace('==', '-')}`);
  if (!existsSync(environment)) await createPythonEnvironment(environment, requirements);
  return { kind: 'ready', command: join(environment, 'bin', 'python'), args: [script] };
}

// Whole or not at all: a run that is broken off must not leave half of it for the next.
async function createPythonEnvironment(path: string, requirements: string): Promise<void> {
  const unfinished = `${path}.${process.pid}`;
  await mkdir(unfinished, { recursive: true });
  await exec('python3', ['-m', 'venv', unfinished]);
  await exec(join(unfinished, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', requirements]);
  await rename(unfinished, path).catch(() => rm(unfinished, { recursive: true }));
}

/** Built with Go's own cache; the first time takes some minutes. */
export async function goProgram(): Promise<Program> {
  if (!(await answers('go', ['version']))) return { kind: 'missing', what: 'Go (`go`) is not installed' };
  const folder = await newFolder();
  await cp(GO_MODULE, folder, { recursive: true });
  await writeFile(join(folder, 'main.go'), await codeOf('go'));
  const command = join(folder, 'steps');
  await exec('go', ['build', '-o', command, '.'], { cwd: folder });
  return { kind: 'ready', command, args: [] };
}

function newFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'latchkey-other-languages-'));
}

function answers(command: string, args: string[]): Promise<boolean> {
  return exec(command, args).then(
    () => true,
    () => false,
  );
}
