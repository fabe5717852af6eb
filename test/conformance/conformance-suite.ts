/**
 * Runs `@modelcontextprotocol/conformance` as its command line. For each scenario the suite starts its own servers and
 * then the client program in `client/`, which it hands the server's address.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { ScenarioResult } from './verdict.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SUITE = 'node_modules/@modelcontextprotocol/conformance/dist/index.js';
const REVISION = '2025-11-25';
// The suite splits it at blanks, so it holds no absolute path. It ends with the server's address.
const CLIENT = 'node --import ./test/support/typescript.mjs test/conformance/client/main.ts';
/** Milliseconds for the client program. */
const CLIENT_TIMEOUT_MS = 30_000;

interface Answer {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface ConformanceSuite {
  /** The scenarios for clients: those that the revision requires, and all about authorization. */
  scenarios(): Promise<{ required: string[]; auth: string[] }>;
  /** Runs one scenario in the revision's form, also one of another revision. */
  run(scenario: string): Promise<ScenarioResult>;
  /** Ends all processes that still run. */
  stop(): void;
}

/** @param folder where the suite writes what it has seen, a folder for each scenario */
export function createConformanceSuite(folder: string): ConformanceSuite {
  const running = new Set<ChildProcess>();

  async function suite(...args: string[]): Promise<Answer> {
    const child = spawn(process.execPath, ['--import', './test/conformance/glob-sync.mjs', SUITE, ...args], {
      cwd: ROOT,
      env: { ...process.env, PATH: [dirname(process.execPath), process.env.PATH].join(delimiter) },
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
    return { code, stdout, stderr };
  }

  return {
    async scenarios() {
      const [required, all] = await Promise.all([
        suite('list', '--requirements', REVISION),
        suite('list', '--client'),
      ]);
      const clientScenarios = required.stdout.match(/^Client scenarios.*\n(?: {2}- .+\n)+/m)?.[0] ?? '';
      return {
        required: listedIn(clientScenarios),
        auth: listedIn(all.stdout).filter((name) => name.startsWith('auth/')),
      };
    },
    async run(scenario) {
      const output = join(folder, scenario.replaceAll('/', '-'));
      const client = ['--command', CLIENT, '--timeout', String(CLIENT_TIMEOUT_MS)];
      const form = ['--scenario', scenario, '--spec-version', REVISION, '--force'];
      const answer = await suite('client', ...client, ...form, '--output-dir', output);
      const passed = answer.code === 0;
      return { scenario, passed, findings: passed ? [] : findingsOf(output, answer) };
    },
    stop() {
      for (const { pid } of running) if (pid !== undefined) endGroup(pid);
    },
  };
}

function listedIn(list: string): string[] {
  return [...list.matchAll(/^ {2}- (\S+)/gm)].map(([, name = '']) => name);
}

interface Check {
  status: string;
  description: string;
  errorMessage?: string;
}

function findingsOf(output: string, { stderr }: Answer): string[] {
  const [run] = readdirSync(output, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('checks.json'),
  );
  if (run === undefined) return stderr.trim().split('\n').slice(-10);
  // The cast: the suite writes its checks in this form.
  const checks = JSON.parse(readFileSync(join(output, run), 'utf8')) as Check[];
  const client = readFileSync(join(output, dirname(run), 'stderr.txt'), 'utf8').trim();
  return [
    ...checks
      .filter(({ status }) => status === 'FAILURE' || status === 'WARNING')
      .map(({ status, description, errorMessage }) => `${status}: ${errorMessage ?? description}`),
    ...(client === '' ? [] : client.split('\n').slice(-10)),
  ];
}

function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
