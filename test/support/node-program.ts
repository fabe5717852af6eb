import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const exec = promisify(execFile);

/** A Node of some version; `missing` says what this machine lacks for it. */
export type NodeProgram =
  | { kind: 'ready'; path: string; version: string }
  | { kind: 'missing'; what: string };

/**
 * Finds Node of that major version, or by default also a newer one: this process's own, else the binary of npm's package
 * `node`, which npm downloads once and keeps in its cache.
 */
export async function nodeProgram(
  major: number,
  wanted: 'at-least' | 'exactly' = 'at-least',
): Promise<NodeProgram> {
  const own = majorOf(process.version);
  if (own === major || (own > major && wanted === 'at-least')) {
    return { kind: 'ready', path: process.execPath, version: process.version };
  }
  try {
    // The binary's own path: a process that npx has started could not be killed by its id.
    const tell = 'console.log(process.execPath + " " + process.version)';
    const { stdout } = await exec('npx', ['-y', '-p', `node@${major}`, 'node', '-e', tell]);
    const [path = '', version = ''] = stdout.trim().split(' ');
    return { kind: 'ready', path, version };
  } catch (error) {
    return {
      kind: 'missing',
      what: `Node ${major} can't be had: npx -p node@${major} fails (${String(error)})`,
    };
  }
}

export function majorOf(version: string): number {
  return Number(/^v(\d+)/.exec(version)?.[1]);
}
