import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { RingKey } from '../../src/vault/key-ring.ts';
import { LATCHKEY } from '../support/child-process.ts';

const ROOT = new URL('../../', import.meta.url);

export interface Ended {
  /** Null where a signal ended it. */
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface RunningCommand {
  kill(signal: NodeJS.Signals): void;
  /** Resolves once it has written something on stderr. */
  complains(): Promise<void>;
  /** Resolves once this is on stdout. */
  says(text: string): Promise<void>;
  /** The first whole line on stdout. */
  line(): Promise<string>;
  ended: Promise<Ended>;
}

/** `latchkey …` in a process of its own, with no other environment than that. */
export function latchkey(environment: Record<string, string>, ...args: string[]): RunningCommand {
  return latchkeyWithInput('', environment, ...args);
}

/** The same, with a text on standard input. */
export function latchkeyWithInput(
  input: string,
  environment: Record<string, string>,
  ...args: string[]
): RunningCommand {
  const child = spawn(process.execPath, [LATCHKEY, ...args], {
    cwd: fileURLToPath(ROOT),
    env: environment,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  // A command that reads nothing may have ended before.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  let said = '';
  child.stdout.on('data', (chunk) => {
    said += chunk;
  });
  const ended = Promise.all([once(child, 'exit'), text(child.stdout), text(child.stderr)]).then(
    ([[code, signal], stdout, stderr]): Ended => ({ code, signal, stdout, stderr }),
  );
  const complaint = once(child.stderr, 'data');
  complaint.catch(() => {});
  const complains = async () => void (await complaint);
  const says = async (wanted: string) => {
    while (!said.includes(wanted)) {
      if (child.exitCode !== null) throw new Error(`it ended without ${wanted}`);
      await once(child.stdout, 'data');
    }
  };
  const line = async () => {
    await says('\n');
    return said.slice(0, said.indexOf('\n'));
  };
  return { complains, says, line, kill: (signal) => void child.kill(signal), ended };
}

/** As `ENCRYPTION_KEYS` has them. */
export function encryptionKeys(keys: readonly RingKey[]): string {
  return keys.map(({ id, bytes }) => `${id}:${Buffer.from(bytes).toString('base64')}`).join();
}

/** The JSON objects, one a line. */
export function jsonLines(stdout: string): Record<string, unknown>[] {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}
