// node scripts/complete-lockfile.mjs
// Adds missing optional packages of other platforms to package-lock.json. `npm ci` refuses a lockfile without them,
// and npm omits those that the current registry does not serve. They are added by version and platform. npm adds
// their integrity when it can fetch them. Run it after a change of dependencies; a test fails if it is needed.
import { readFileSync, writeFileSync } from 'node:fs';

const LOCKFILE = new URL('../package-lock.json', import.meta.url);
const PLATFORM =
  /(android|darwin|freebsd|linux|openharmony|win32)-(arm64|x64|ia32|arm|ppc64|riscv64|s390x)(?:-(\w+))?$/;
const LIBC = { gnu: 'glibc', gnueabihf: 'glibc', musl: 'musl', musleabihf: 'musl' };

const lockfile = JSON.parse(readFileSync(LOCKFILE, 'utf8'));
const added = missingOptionalPackages(lockfile.packages);
for (const [path, entry] of added) lockfile.packages[path] = entry;
if (added.length > 0) {
  const byPath = Object.entries(lockfile.packages).sort(([a], [b]) => a.localeCompare(b, 'en'));
  lockfile.packages = Object.fromEntries(byPath);
  writeFileSync(LOCKFILE, `${JSON.stringify(lockfile, null, 2)}\n`);
}
console.log(`package-lock.json: ${added.length} optional packages added`);

function missingOptionalPackages(packages) {
  return Object.entries(packages).flatMap(([parentPath, parent]) =>
    Object.entries(parent.optionalDependencies ?? {})
      .filter(
        ([name]) => !(`node_modules/${name}` in packages || `${parentPath}/node_modules/${name}` in packages),
      )
      .map(([name, version]) => [`node_modules/${name}`, optionalEntry(name, version, parent)]),
  );
}

function optionalEntry(name, version, parent) {
  const platform = PLATFORM.exec(name);
  if (!platform || !/^\d/.test(version)) throw new Error(`${name}@${version}: add this package by hand`);
  const [, os, cpu, abi] = platform;
  return {
    version,
    cpu: [cpu],
    ...(parent.dev && { dev: true }),
    ...(LIBC[abi] && { libc: [LIBC[abi]] }),
    optional: true,
    os: [os],
  };
}
