import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '../../../src/dev/embedded/server-binaries.ts';

const exec = promisify(execFile);

type Program = 'promtool' | 'prometheus';

/** Each variable names the program's path. */
const VARIABLES: Record<Program, string> = { promtool: 'PROMTOOL_PATH', prometheus: 'PROMETHEUS_PATH' };

/**
 * Returns the path of one of Prometheus' programs: the one that its variable names, one on the `PATH`, one in the cache,
 * or that of Debian's package `prometheus`, which is downloaded into the cache and not installed. Undefined if there is
 * none.
 */
export async function findPrometheusProgram(program: Program): Promise<string | undefined> {
  const { [VARIABLES[program]]: given, PATH = '' } = process.env;
  const cached = join(cacheFolder(process.env), 'bin', program);
  const onPath = PATH.split(':').map((folder) => join(folder, program));
  const found = [...(given ? [given] : []), ...onPath, cached].find((path) => existsSync(path));
  return found ?? (await fromDebian(program, cached).catch(() => undefined));
}

async function fromDebian(program: Program, target: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-prometheus-'));
  try {
    await exec('apt-get', ['download', 'prometheus'], { cwd: folder, timeout: 60_000 });
    const [archive = ''] = await readdir(folder);
    await exec('dpkg', ['-x', archive, 'unpacked'], { cwd: folder });
    await mkdir(join(target, '..'), { recursive: true });
    // A copy beside the target: another process never finds half a file.
    const copy = `${target}.${process.pid}`;
    await copyFile(join(folder, 'unpacked', 'usr', 'bin', program), copy);
    await rename(copy, target);
    return target;
  } finally {
    await rm(folder, { recursive: true });
  }
}
