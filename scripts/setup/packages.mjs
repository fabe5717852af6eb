import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Problem, say } from './problem.mjs';
import { run } from './run.mjs';

/** Installs the packages of package-lock.json, unless they are installed. */
export async function installPackages(root) {
  if (isInstalled(root)) return;
  say('installing packages (npm ci; about a minute) …');
  // Explicit, whatever npm's configuration says: the build needs the development packages, the servers the optional
  // ones.
  const args = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
  const { ok, output } = await run('npm', args, { cwd: root, doing: 'installing packages' });
  if (!ok) throw new Problem(`npm ci failed:\n${output}`);
}

/**
 * Compares package-lock.json with the file that npm writes when it has finished. Optional packages may be absent,
 * because most are for other platforms.
 */
function isInstalled(root) {
  const wanted = packagesOf(join(root, 'package-lock.json'));
  const installed = packagesOf(join(root, 'node_modules', '.package-lock.json'));
  if (wanted === undefined || installed === undefined) return false;
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    if (path === '') return true;
    return path in installed ? installed[path].version === version : optional === true;
  });
}

function packagesOf(lockfile) {
  try {
    return JSON.parse(readFileSync(lockfile, 'utf8')).packages;
  } catch {
    return undefined;
  }
}
