/**
 * Finds second copies of Temporal's packages, which a package manager installs if the application asks for another
 * version than Latchkey gets. They fail silently: with another copy of `@temporalio/activity`, the Worker runs and each
 * of Latchkey's activities fails; with two copies of `@temporalio/workflow` in a bundle, a step is not cancelled with
 * the scope in which it was started.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, sep } from 'node:path';
import { type BundleOptions, NativeConnection } from '@temporalio/worker';
import { describeTwoCopies } from '../contracts/two-copies.ts';

const WORKER = '@temporalio/worker';
const WORKFLOW = '@temporalio/workflow';
/** What both Latchkey and the SDK's Worker import. They share objects and module state through these. */
const SHARED = [
  ...['@temporalio/activity', '@temporalio/client', '@temporalio/common', '@temporalio/nexus'],
  ...['@temporalio/proto', WORKFLOW, 'nexus-rpc'],
];

type WebpackConfiguration = Parameters<NonNullable<BundleOptions['webpackConfigHook']>>[0];
type WebpackPlugin = Extract<
  NonNullable<WebpackConfiguration['plugins']>[number],
  { apply: (compiler: never) => void }
>;

/** The version of the Worker that Latchkey imports. */
export function sdkVersion(): string | undefined {
  return versionIn(installed(WORKER, createRequire(import.meta.url)));
}

/** Returns the problem in one sentence if Latchkey and the Worker that it imports have a package in two copies. */
export function sharedPackageProblem(): string | undefined {
  const own = createRequire(import.meta.url);
  const workers = createRequire(own.resolve(WORKER));
  return SHARED.map((name) => problemOf(name, installed(name, own), installed(name, workers))).find(Boolean);
}

/**
 * Returns the problem in one sentence if the connection is of another copy of `@temporalio/worker`. That copy's version
 * is known if Node has loaded it as a CommonJS module, as it does without a loader of its own.
 */
export function connectionProblem(connection: object): string | undefined {
  if (connection instanceof NativeConnection) return undefined;
  const own = createRequire(import.meta.url);
  const ours = installed(WORKER, own);
  const loaded = Object.keys(own.cache).map((file) => folderOf(WORKER, file));
  const theirs = loaded.find((folder) => folder !== undefined && folder !== ours);
  return describeTwoCopies({ name: WORKER, latchkey: versionIn(ours), worker: versionIn(theirs) });
}

/**
 * Lets bundling fail, with one sentence, if the bundle gets two copies of `@temporalio/workflow`.
 *
 * @see https://webpack.js.org/api/compilation-hooks/#finishmodules
 */
export function refuseSecondWorkflowSdk(config: WebpackConfiguration): WebpackConfiguration {
  const plugin: WebpackPlugin = {
    apply: ({ hooks }) =>
      hooks.thisCompilation.tap('latchkey', (compilation) =>
        compilation.hooks.finishModules.tap('latchkey', (modules) => {
          const problem = bundleProblem([...modules].map((module) => module.nameForCondition()));
          if (problem !== undefined) throw new Error(problem);
        }),
      ),
  };
  return { ...config, plugins: [...(config.plugins ?? []), plugin] };
}

function bundleProblem(files: (string | null)[]): string | undefined {
  const ours = installed(WORKFLOW, createRequire(import.meta.url));
  const bundled = new Set(files.map((file) => (file === null ? undefined : folderOf(WORKFLOW, file))));
  // Latchkey's copy is there only if the workflows use Latchkey.
  if (!bundled.has(ours)) return undefined;
  return [...bundled].map((folder) => problemOf(WORKFLOW, ours, folder)).find(Boolean);
}

function problemOf(name: string, ours: string | undefined, theirs: string | undefined): string | undefined {
  if (ours === undefined || theirs === undefined || ours === theirs) return undefined;
  return describeTwoCopies({ name, latchkey: versionIn(ours), worker: versionIn(theirs) });
}

/** The folder of the package that a file gets which imports it. */
function installed(name: string, require: NodeJS.Require): string | undefined {
  try {
    return folderOf(name, require.resolve(name));
  } catch {
    // Latchkey imports some of the packages only for features that not every application uses.
    return undefined;
  }
}

/** The folder of the package that the file is part of. */
function folderOf(name: string, file: string): string | undefined {
  const path = file.split(sep).join('/');
  const end = path.lastIndexOf(`/node_modules/${name}/`);
  return end < 0 ? undefined : `${path.slice(0, end)}/node_modules/${name}`;
}

function versionIn(folder: string | undefined): string | undefined {
  if (folder === undefined) return undefined;
  const manifest = readFileSync(join(folder, 'package.json'), 'utf8');
  // npm's own format. https://docs.npmjs.com/cli/configuring-npm/package-json
  return (JSON.parse(manifest) as { version: string }).version;
}
