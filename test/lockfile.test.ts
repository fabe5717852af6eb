import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

interface LockedPackage {
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  resolved?: string;
}

// `npm ci` refuses a lockfile with a gap on every machine; npm leaves gaps where a registry lacks a package.
test('the lockfile has every package that a package in it asks for', () => {
  const packages = lockedPackages();

  const missing = Object.entries(packages).flatMap(([path, { dependencies, optionalDependencies }]) =>
    Object.keys({ ...dependencies, ...optionalDependencies })
      .filter((name) => !candidates(path, name).some((candidate) => candidate in packages))
      .map((name) => `${name}, for ${path}`),
  );

  expect(missing, 'run `node scripts/complete-lockfile.mjs`').toEqual([]);
});

test('the lockfile names no registry but npm’s own', () => {
  const hosts = Object.values(lockedPackages()).flatMap(({ resolved }) =>
    resolved ? [new URL(resolved).host] : [],
  );

  expect(hosts.filter((host) => host !== 'registry.npmjs.org')).toEqual([]);
});

/** Needed without an import. */
const PINS = new Set([
  // Fastify takes any 6; later ones need a newer Node than ours, and an override does not travel with a package.
  'light-my-request',
]);

test('every dependency is named by a file of src, or pins what another one needs', () => {
  const { dependencies, optionalDependencies } = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  ) as LockedPackage;
  const src = new URL('../src/', import.meta.url);
  const text = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.m?[tj]sx?$/.test(path))
    .map((path) => readFileSync(new URL(path, src), 'utf8'))
    .join('\n');

  const unused = Object.keys({ ...dependencies, ...optionalDependencies }).filter(
    (name) => !PINS.has(name) && !text.includes(`'${name}'`) && !text.includes(`'${name}/`),
  );

  expect(text).not.toBe('');
  expect(unused).toEqual([]);
});

function lockedPackages(): Record<string, LockedPackage> {
  // npm's own format. https://docs.npmjs.com/cli/configuring-npm/package-lock-json
  const lockfile = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8')) as {
    packages: Record<string, LockedPackage>;
  };
  return lockfile.packages;
}

/** Where Node would look for a package, from the innermost folder out. */
function candidates(path: string, name: string): string[] {
  const parents = path
    .split('/node_modules/')
    .map((_, index, parts) => parts.slice(0, index + 1).join('/node_modules/'));
  return ['', ...parents].map((parent) => `${parent}/node_modules/${name}`.replace(/^\//, ''));
}
