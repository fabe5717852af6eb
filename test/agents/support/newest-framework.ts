import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const exec = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** The newest version of `@openai/agents-core` that was tried. `@temporalio/openai-agents` 1.23 does not pair with it. */
export const NEWEST_OPENAI_AGENTS = '0.20.0';

export interface NewestFramework {
  /** The module that `require('@openai/agents-core')` of a project would load. */
  readonly entry: string;
  /** Checks the types of `src/openai-agents.ts` against it. Returns all files that TypeScript read. @throws on errors */
  checkTypes(): Promise<string>;
  readonly types: string;
  remove(): Promise<void>;
}

/** Installs the newest version of the framework in a folder of its own. */
export async function installNewestFramework(): Promise<NewestFramework> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-newest-openai-agents-'));
  await writeFile(join(folder, 'package.json'), '{}');
  const packages = [`@openai/agents-core@${NEWEST_OPENAI_AGENTS}`, 'zod@4'];
  await exec('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', ...packages], {
    cwd: folder,
  });
  const dist = join(folder, 'node_modules/@openai/agents-core/dist');
  const types = join(dist, 'index.d.ts');
  return {
    entry: join(dist, 'index.js'),
    types,
    checkTypes: () => checkTypes(folder, types),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

async function checkTypes(folder: string, types: string): Promise<string> {
  const compilerOptions = {
    typeRoots: [join(ROOT, 'node_modules/@types')],
    paths: { '@openai/agents-core': [types] },
  };
  const project = join(folder, 'tsconfig.json');
  const files = [join(ROOT, 'src/openai-agents.ts')];
  const config = { extends: join(ROOT, 'tsconfig.json'), compilerOptions, include: [], files };
  await writeFile(project, JSON.stringify(config));
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  return (await exec(process.execPath, [tsc, '-p', project, '--listFiles'])).stdout;
}
