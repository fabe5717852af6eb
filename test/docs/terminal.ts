import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface Terminal {
  /** All output so far, with what a terminal obeys. */
  output(): string;
  /** Resolves once it is there, with the pattern's first group or else the whole match. */
  shows(wanted: string | RegExp): Promise<string>;
  /** The command's exit code. */
  ended: Promise<number | null>;
  /** Ends the command and everything that it started, as Ctrl-C does. */
  interrupt(): Promise<void>;
}

export interface TerminalOptions {
  /** Default: the repository's root. */
  cwd?: string;
  /** Beside PATH and HOME. */
  environment?: Record<string, string>;
}

/** Runs a command at a pseudo-terminal (`script` of util-linux), so that it prints what a person sees. */
export async function startInTerminal(
  command: string,
  patienceMs: number,
  { cwd = ROOT, environment = {} }: TerminalOptions = {},
): Promise<Terminal> {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn('script', ['--quiet', '--return', '--flush', '--command', command, '/dev/null'], {
    cwd,
    env: { PATH, HOME, TERM: 'xterm', NO_COLOR: '1', ...environment },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const ended = once(child, 'close').then((): number | null => child.exitCode);
  await once(child, 'spawn');
  return {
    output: () => output,
    ended,
    shows: (wanted) =>
      vi.waitUntil(() => match(output, wanted, child.exitCode), { timeout: patienceMs, interval: 100 }),
    async interrupt() {
      // The terminal turns the character of Ctrl-C into SIGINT for all of its processes.
      if (child.exitCode === null) child.stdin.write('\u0003');
      child.stdin.end();
      await ended;
    },
  };
}

function match(output: string, wanted: string | RegExp, exitCode: number | null): string | undefined {
  if (typeof wanted === 'string') {
    if (output.includes(wanted)) return wanted;
  } else {
    const [whole, part = whole] = wanted.exec(output) ?? [];
    // A line that is still being written may have more of it.
    if (part !== undefined) return part;
  }
  if (exitCode !== null) throw new Error(`it ended with ${exitCode} and without ${wanted}:\n${output}`);
  return undefined;
}
