import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '../../../src/dev/embedded/server-binaries.ts';

const exec = promisify(execFile);

/**
 * Returns the path of promtool: `PROMTOOL_PATH`, one on the `PATH`, one in the cache, or that of Debian's package
 * `prometheus`, which is downloaded into the cache and not installed. Undefined if there is none.
 */
export async function findPromtool(): Promise<string | undefined> {
  const { PROMTOOL_PATH: given, PATH = '' } = process.env;
  const cached = join(cacheFolder(process.env), 'bin', 'promtool');
  const onPath = PATH.split(':').map((folder) => join(folder, 'promtool'));
  const found = [...(given ? [given] : []), ...onPath, cached].find((path) => existsSync(path));
  return found ?? (await fromDebian(cached).catch(() => undefined));
}

async function fromDebian(target: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-promtool-'));
  try {
    await exec('apt-get', ['download', 'prometheus'], { cwd: folder, timeout: 60_000 });
    const [archive = ''] = await readdir(folder);
    await exec('dpkg', ['-x', archive, 'unpacked'], { cwd: folder });
    await mkdir(join(target, '..'), { recursive: true });
    // A copy beside the target: another process never finds half a file.
    const copy = `${target}.${process.pid}`;
    await copyFile(join(folder, 'unpacked', 'usr', 'bin', 'promtool'), copy);
    await rename(copy, target);
    return target;
  } finally {
    await rm(folder, { recursive: true });
  }
}
