import { readdir, readFile } from 'node:fs/promises';
import { rounded } from './statistics.ts';
import type { WorkerProcess } from './worker-process.ts';

/** CPU milliseconds, user and system. */
export interface CpuByProgram {
  worker: number;
  /** Temporal's dev server. */
  temporal: number;
  /** All processes of Postgres. */
  postgres: number;
  /** This process: the client that starts the workflows, the MCP server, the authorization server. */
  benchmark: number;
}

/** `USER_HZ` of proc(5): 100 on each platform that Node runs on. */
const MS_PER_TICK = 10;

/**
 * Returns what each program has used since its start; undefined where there is no `/proc`. Temporal and Postgres are
 * those that this process started, itself or through its children.
 */
export async function cpuByProgram(worker: Pick<WorkerProcess, 'cpuMs'>): Promise<CpuByProgram | undefined> {
  if (process.platform !== 'linux') return undefined;
  const { user, system } = process.cpuUsage();
  const sums = { worker: await worker.cpuMs(), temporal: 0, postgres: 0, benchmark: (user + system) / 1000 };
  for (const { program, cpuMs } of descendantsOf(process.pid, await readProcesses())) {
    if (program === 'temporal' || program === 'postgres') sums[program] += cpuMs;
  }
  return sums;
}

/** What each program used between two looks, for each of so many. */
export function cpuForEach(
  before: CpuByProgram | undefined,
  after: CpuByProgram | undefined,
  count: number,
): CpuByProgram | undefined {
  if (before === undefined || after === undefined) return undefined;
  // A process that ends while they are read is counted in its parent, or for a moment not at all.
  const each = (of: keyof CpuByProgram) => rounded(Math.max(after[of] - before[of], 0) / count, 2);
  return {
    worker: each('worker'),
    temporal: each('temporal'),
    postgres: each('postgres'),
    benchmark: each('benchmark'),
  };
}

interface ProcessCpu {
  pid: number;
  parent: number;
  program: string;
  /** With that of its children that have ended. */
  cpuMs: number;
}

async function readProcesses(): Promise<ProcessCpu[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  // A process that has ended meanwhile has no file any more.
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')));
  return stats.flatMap((stat) => readStat(stat) ?? []);
}

/** One process by its `/proc/<pid>/stat`: see proc_pid_stat(5). */
export function readStat(stat: string): ProcessCpu | undefined {
  // The name of the program may have spaces and brackets.
  const [, pid, program, rest] = /^(\d+) \((.*)\) (.*)/s.exec(stat) ?? [];
  if (pid === undefined || program === undefined || rest === undefined) return undefined;
  const fields = rest.split(' ').map(Number);
  const [utime = 0, stime = 0, cutime = 0, cstime = 0] = fields.slice(11, 15);
  const ticks = utime + stime + cutime + cstime;
  return { pid: Number(pid), parent: fields[1] ?? 0, program, cpuMs: ticks * MS_PER_TICK };
}

/** The processes that one has started, and those that they have. */
export function descendantsOf(ancestor: number, processes: readonly ProcessCpu[]): ProcessCpu[] {
  const parents = new Map(processes.map(({ pid, parent }) => [pid, parent]));
  const isOwn = (pid: number | undefined): boolean =>
    pid === ancestor || (pid !== undefined && pid > 1 && isOwn(parents.get(pid)));
  return processes.filter(({ parent }) => isOwn(parent));
}
