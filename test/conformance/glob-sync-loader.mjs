const SUITE = '/@modelcontextprotocol/conformance/dist/';
const FS = 'latchkey:fs-with-glob-sync';

// A module of Node's own cannot be given another export, so the suite gets a module of ours instead.
export async function resolve(specifier, context, nextResolve) {
  const isOfSuite = context.parentURL?.includes(SUITE) ?? false;
  if (isOfSuite && specifier === 'fs') return { url: FS, shortCircuit: true };
  return nextResolve(specifier, context);
}

export async function load(url, context, nextLoad) {
  if (url !== FS) return nextLoad(url, context);
  const source = `
    export * from 'node:fs';
    export { default } from 'node:fs';
    import fs from 'node:fs';
    export const globSync = fs.globSync;
  `;
  return { format: 'module', source, shortCircuit: true };
}
