/**
 * Runs `@modelcontextprotocol/conformance` as its command line. For each scenario the suite starts its own servers and
 * then the client program in `client/`, which it hands the server's address.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { ScenarioResult } from './verdict.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SUITE = 'node_modules/@modelcontextprotocol/conformance/dist/index.js';
const REVISION = '2025-11-25';
/** Milliseconds for the client program. */
const CLIENT_TIMEOUT_MS = 60_000;

interface Answer {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface ConformanceSuite {
  /** The scenarios for clients: those that the revision requires, and all about authorization. */
  scenarios(): Promise<{ required: string[]; auth: string[] }>;
  /** Runs one scenario in the revision's form, also one of another revision. Never rejects. */
  run(scenario: string): Promise<ScenarioResult>;
  /** Ends all processes that still run. Nothing runs after this, so the scenarios that are left fail. */
  stop(): void;
}

export interface SuiteOptions {
  /** The client program, relative to the repository. */
  client: string;
  /** The client program's database. */
  databaseUrl: string;
  /** Where the suite writes what it has seen, a folder for each scenario. */
  folder: string;
}

export function createConformanceSuite({ client, databaseUrl, folder }: SuiteOptions): ConformanceSuite {
  const running = new Set<ChildProcess>();
  let stopped = false;

  async function suite(...args: string[]): Promise<Answer> {
    const child = spawn(process.execPath, ['--import', './test/conformance/glob-sync.mjs', SUITE, ...args], {
      cwd: ROOT,
      env: {
        ...process.env,
        PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
        LATCHKEY_CONFORMANCE_DATABASE: databaseUrl,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      // With a process group of its own, so that the client program can be ended together with it.
      detached: true,
    });
    running.add(child);
    const [[code], stdout, stderr] = await Promise.all([
      once(child, 'close'),
      text(child.stdout),
      text(child.stderr),
    ]);
    running.delete(child);
    endGroup(child);
    return { code, stdout, stderr };
  }

  async function list(option: string, ...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await suite('list', option, ...args);
    if (code !== 0) throw new Error(`the conformance suite does not list its scenarios: ${stderr}`);
    return stdout;
  }

  return {
    async scenarios() {
      const [required, all] = await Promise.all([list('--requirements', REVISION), list('--client')]);
      return {
        required: clientScenariosIn(required),
        auth: clientScenariosIn(all).filter((name) => name.startsWith('auth/')),
      };
    },
    async run(scenario) {
      if (stopped) return { scenario, passed: false, findings: ['it was not run, because the time is over'] };
      const output = join(folder, scenario.replaceAll('/', '-'));
      // The suite splits the command at blanks, and adds the server's address.
      const command = ['--command', `node ${client}`, '--timeout', String(CLIENT_TIMEOUT_MS)];
      const form = ['--scenario', scenario, '--spec-version', REVISION, '--force'];
      const answer = await suite('client', ...command, ...form, '--output-dir', output);
      const passed = answer.code === 0;
      return { scenario, passed, findings: passed ? [] : findingsOf(output, answer) };
    },
    stop() {
      stopped = true;
      for (const child of running) endGroup(child);
    },
  };
}

function clientScenariosIn(list: string): string[] {
  const [section = ''] = /^Client scenarios.*\n(?: {2}- .+\n)+/m.exec(list) ?? [];
  return [...section.matchAll(/^ {2}- (\S+)/gm)].map(([, name = '']) => name);
}

interface Check {
  status: string;
  description: string;
  errorMessage?: string;
}

/** The last lines of a program's errors: the first lines of a stack repeat them. */
const LAST_LINES = 10;

function findingsOf(output: string, { stderr }: Answer): string[] {
  const written = existsSync(output) ? readdirSync(output, { recursive: true, encoding: 'utf8' }) : [];
  const checksFile = written.find((path) => path.endsWith('checks.json'));
  if (checksFile === undefined) return linesOf(stderr).slice(-LAST_LINES);
  // The cast: the suite writes its checks in this form.
  const checks = JSON.parse(readFileSync(join(output, checksFile), 'utf8')) as Check[];
  const clientErrors = readFileSync(join(output, dirname(checksFile), 'stderr.txt'), 'utf8');
  return [...checks.flatMap(findingOf), ...linesOf(clientErrors).slice(-LAST_LINES)];
}

function findingOf({ status, description, errorMessage }: Check): string[] {
  return status === 'FAILURE' || status === 'WARNING' ? [`${status}: ${errorMessage ?? description}`] : [];
}

function linesOf(errors: string): string[] {
  return errors.split('\n').filter((line) => line.trim() !== '');
}

function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
