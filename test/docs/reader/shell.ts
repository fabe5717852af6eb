import { execFileSync } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startInTerminal, type Terminal } from '../terminal.ts';

const CLI = fileURLToPath(new URL('../../../dist/cli.js', import.meta.url));
const PATIENCE_MS = 90_000;
/** Set-up has built the project, and the tutorial's test runs `npx` itself, which takes a second for each command. */
const RUNNER = `
npx() { if [ "$1" = latchkey ]; then shift; '${process.execPath}' '${CLI}' "$@"; else command npx "$@"; fi; }
# Starts a role and waits for it; its process is $started.
start() {
  ( exec '${process.execPath}' '${CLI}' "$1" ) > "$1.log" 2>&1 &
  started=$!
  until grep -q '"msg":"ready"' "$1.log"; do kill -0 $started && sleep 0.1 || { cat "$1.log"; return 1; }; done
}
npm() { if [ "$*" != 'run build' ]; then command npm "$@"; fi; }
command -v jq >/dev/null || jq() { cat; }
trap 'failed="$failed $?"' ERR
exec 3<"$1"
while IFS= read -r file <&3; do
  failed=
  ( exit \${last:-0} )
  . "$file" </dev/null
  last=$?
  printf '\\n@@ %s:%s\\n' "$file" "$failed"
done
`;

export interface Ran {
  output: string;
  /** The exit codes of the commands that failed, such as ` 1`. */
  failed: string;
}

export interface Shell {
  /** Runs commands to their end, in the same bash as those before. */
  run(commands: string): Promise<Ran>;
  /** Like `run`; meanwhile waits for something in their output and acts on it. */
  runWhile(commands: string, wanted: RegExp, act: (found: string) => Promise<void>): Promise<Ran>;
  close(): Promise<void>;
}

/** A bash at a terminal, in which a reader pastes one block after the other. */
export async function openShell(folder: string, environment: Record<string, string>): Promise<Shell> {
  const fifo = join(folder, `commands-${Date.now()}`);
  execFileSync('mkfifo', [fifo]);
  const runner = `${fifo}.bash`;
  await writeFile(runner, RUNNER);
  const terminal = await startInTerminal(`bash ${runner} ${fifo}`, PATIENCE_MS, { cwd: folder, environment });
  const input = createWriteStream(fifo);
  let count = 0;

  async function runWhile(commands: string, act?: (terminal: Terminal, from: number) => Promise<void>) {
    count += 1;
    const file = `${fifo}-${count}`;
    await writeFile(file, `${commands}\n`);
    const from = terminal.output().length;
    input.write(`${file}\n`);
    await act?.(terminal, from);
    const end = `@@ ${file}:`;
    const last = await terminal.shows(new RegExp(`${end}.*?\\r?\\n`));
    const output = terminal.output().slice(from);
    return { output: output.slice(0, output.indexOf(end)), failed: last.slice(end.length).trim() };
  }

  return {
    run: (commands) => runWhile(commands),
    runWhile: (commands, wanted, act) =>
      runWhile(commands, async (terminal, from) => {
        const pattern = new RegExp(`^[\\s\\S]{${from}}[\\s\\S]*?(?:${wanted.source})`);
        await act(await terminal.shows(pattern));
      }),
    async close() {
      input.end();
      await terminal.interrupt();
    },
  };
}
