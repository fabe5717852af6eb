import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cpuByProgram, descendantsOf, readStat } from '../../bench/cpu-by-program.ts';

const WORKER = { cpuMs: async () => 0 };

/** proc_pid_stat(5), with 7 s of user time, 1.5 s of system time, and 0.25 s of children that have ended. */
const stat = (name: string) =>
  `4711 (${name}) S 42 4711 4711 0 -1 4194560 900 0 0 0 700 150 20 5 20 0 12 0 1234 1000 200`;

describe('the line of a process', () => {
  test.each(['temporal', 'tmux: server', 'a) S 1 (b'])('is read with the name %j', (program) => {
    expect(readStat(stat(program))).toEqual({ pid: 4711, parent: 42, program, cpuMs: 8_750 });
  });

  test('of a process that has ended is none', () => {
    expect(readStat('')).toBeUndefined();
  });
});

describe.runIf(process.platform === 'linux')('the CPU by program', () => {
  test('has that of this process', async () => {
    const before = await cpuByProgram(WORKER);
    const busyUntil = performance.now() + 100;
    while (performance.now() < busyUntil);
    const after = await cpuByProgram(WORKER);

    expect((after?.benchmark ?? 0) - (before?.benchmark ?? 0)).toBeGreaterThan(10);
  });

  test('has that of a child of a child by its name', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'latchkey-cpu-'));
    // A process has the name of the file that it runs, also if that is a link. A shell replaces itself by its last
    // command, so that is another one.
    const script = `
      ln -s "$(command -v bash)" ${folder}/postgres || exit 1
      ${folder}/postgres -c 'for ((i = 0; i < 100000; i++)); do :; done; echo ready; read'
      wait`;
    const before = await cpuByProgram(WORKER);
    const child = spawn('bash', ['-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
    const exited = once(child, 'exit');
    try {
      await Promise.race([once(child.stdout, 'data'), exited]);
      const after = await cpuByProgram(WORKER);

      expect((after?.postgres ?? 0) - (before?.postgres ?? 0)).toBeGreaterThan(10);
    } finally {
      child.stdin.end('\n');
      await exited;
      await rm(folder, { recursive: true });
    }
  });
});

test('a process counts if it was started by one that counts', () => {
  const one = (pid: number, parent: number) => ({ pid, parent, program: 'postgres', cpuMs: 1 });
  const [child, grandchild] = [one(20, 10), one(30, 20)];
  const foreign = [one(10, 5), one(5, 1), one(40, 1), one(50, 40), one(60, 59), one(1, 0)];

  expect(descendantsOf(10, [grandchild, ...foreign, child])).toEqual([grandchild, child]);
});
