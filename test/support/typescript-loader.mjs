// Lets a plain Node process run this project's TypeScript: node --import ./test/support/typescript.mjs x.ts
// What one process has transpiled, all later ones read from a folder: tests start hundreds of them.
import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

// In `node_modules`, because another version of the transpiler comes with another installation.
const CACHE = new URL('../../node_modules/.cache/latchkey-typescript/', import.meta.url);
mkdirSync(CACHE, { recursive: true });

export async function load(url, context, nextLoad) {
  if (!url.startsWith('file:') || !/\.tsx?$/.test(url)) return nextLoad(url, context);
  const path = fileURLToPath(url);
  const source = await readFile(path, 'utf8');
  const kept = new URL(`${createHash('sha256').update(source).digest('hex')}.mjs`, CACHE);
  const code = await readFile(kept, 'utf8').catch(() => transpile(path, source, kept));
  return { format: 'module', source: code, shortCircuit: true };
}

async function transpile(path, source, kept) {
  const { transformSync } = await import('rolldown/utils');
  const { code, errors } = transformSync(path, source);
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]?.message}`);
  // Renamed, so that another process never reads half of it.
  const unfinished = new URL(`${randomUUID()}.part`, CACHE);
  await writeFile(unfinished, code);
  await rename(unfinished, kept);
  return code;
}
