import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { run } from '../../scripts/setup/run.mjs';
import { startNode, type TypescriptProcess } from '../support/child-process.ts';
import { nodeProgram } from '../support/node-program.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const NODE_IMAGE = 'docker.io/library/node:24-bookworm-slim';
/** Built here, with what the other one has, for machines that do not reach its registry. */
const STAND_IN = 'localhost/latchkey-node:24-bookworm-1';
const IMAGE = 'localhost/latchkey-proof';

const HOW_TO_GET_IT =
  'The image is built with podman: install podman, runc and debootstrap (Debian, Ubuntu), and run the test as root.';
/** A sandbox may not allow the engine's own limits, which are higher. */
const LIMITS = ['--ulimit', 'nofile=4096:4096', '--ulimit', 'nproc=4096:4096'];
const NETWORK = ['--network', 'host'];

const exec = promisify(execFile);

export interface ContainerEngine {
  /**
   * Runs a command of the image in a container on the network of this machine, without anything writable. SIGTERM and
   * the exit code pass through.
   */
  start(name: string, environment: Record<string, string>, ...command: string[]): TypescriptProcess;
  /** Runs the image's health check in a container, and returns whether it passes. */
  isHealthy(name: string): Promise<boolean>;
  /** Runs JavaScript in a container, and returns what it prints. */
  evaluate(name: string, script: string): Promise<string>;
}

/**
 * Builds `deploy/Dockerfile` with podman, which keeps the layers that have not changed.
 *
 * @throws if podman can't run containers here, or the build fails
 */
export async function buildImage(): Promise<ContainerEngine> {
  if (!(await run('podman', ['--version'])).ok) throw new Error(HOW_TO_GET_IT);
  const base = (await has(NODE_IMAGE)) ? NODE_IMAGE : await standIn();
  const podman = await podmanThatRuns(base);
  const build = ['build', '--isolation', 'chroot', '--format', 'docker', ...NETWORK, '--tag', IMAGE];
  const file = ['--build-arg', `NODE_IMAGE=${base}`, '--file', 'deploy/Dockerfile', '.'];
  const before = await imageId();
  await mustRun('podman', [...build, ...file]);
  const after = await imageId();
  if (before !== '' && before !== after) await run('podman', ['rmi', before]);
  return {
    start: (name, environment, ...command) =>
      startNode([...podman, ...containerArgs(name, environment), IMAGE, ...command], environment, {
        path: 'podman',
      }),
    isHealthy: async (name) => (await run('podman', ['healthcheck', 'run', name])).ok,
    evaluate: async (name, script) =>
      (await exec('podman', [...podman, 'exec', name, 'node', '-e', script])).stdout.trim(),
  };
}

/** The values of the variables stay out of the arguments. */
function containerArgs(name: string, environment: Record<string, string>): string[] {
  const variables = Object.keys(environment).flatMap((variable) => ['--env', variable]);
  const readOnly = ['--read-only', '--read-only-tmpfs=false', '--cap-drop', 'ALL'];
  return ['run', '--rm', '--name', name, ...readOnly, ...NETWORK, ...LIMITS, ...variables];
}

/** Returns podman's options. The default runtime may not run with this machine's control groups. */
async function podmanThatRuns(image: string): Promise<string[]> {
  for (const options of [[], ['--runtime', 'runc']]) {
    const probe = [
      ...options,
      'run',
      '--rm',
      '--read-only',
      ...NETWORK,
      ...LIMITS,
      image,
      'node',
      '--version',
    ];
    if ((await run('podman', probe)).ok) return options;
  }
  throw new Error(`podman runs no container here. ${HOW_TO_GET_IT}`);
}

const has = async (image: string) => (await run('podman', ['image', 'exists', image])).ok;
const imageId = async () => (await run('podman', ['images', '--quiet', '--no-trunc', IMAGE])).output;

/** Debian without anything that is not essential, and Node with npm: what Node's slim image has. */
async function standIn(): Promise<string> {
  if (await has(STAND_IN)) return STAND_IN;
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-base-'));
  try {
    const root = join(folder, 'root');
    await mustRun('debootstrap', ['--variant=minbase', 'bookworm', root, 'http://deb.debian.org/debian']);
    await addNode(root, folder);
    const certificates = await addCertificates(root);
    await mustRun('tar', ['-C', root, '-cf', join(folder, 'root.tar'), '.']);
    await mustRun('podman', ['import', ...certificates, join(folder, 'root.tar'), STAND_IN]);
    return STAND_IN;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function addNode(root: string, folder: string): Promise<void> {
  const node = await nodeProgram(24);
  if (node.kind === 'missing') throw new Error(node.what);
  const npm = join(root, 'usr/local/lib/node_modules/npm');
  await mkdir(npm, { recursive: true });
  await copyFile(node.path, join(root, 'usr/local/bin/node'));
  await mustRun('npm', ['pack', 'npm@11', '--silent', '--pack-destination', folder]);
  const archive = (await readdir(folder)).find((name) => name.endsWith('.tgz')) ?? '';
  await mustRun('tar', ['-xzf', join(folder, archive), '-C', npm, '--strip-components=1']);
  await symlink('../lib/node_modules/npm/bin/npm-cli.js', join(root, 'usr/local/bin/npm'));
}

/** npm needs them where a proxy of the machine's network signs certificates. Returns options of the import. */
async function addCertificates(root: string): Promise<string[]> {
  const { NODE_EXTRA_CA_CERTS: given } = process.env;
  if (!given) return [];
  const inImage = '/etc/ssl/extra-certificates.pem';
  await mkdir(join(root, 'etc/ssl'), { recursive: true });
  await copyFile(given, join(root, inImage));
  return ['--change', `ENV NODE_EXTRA_CA_CERTS=${inImage}`];
}

async function mustRun(command: string, args: string[]): Promise<void> {
  const { ok, output } = await run(command, args, { cwd: ROOT, doing: `${command} ${args[0]}` });
  if (!ok) throw new Error(`${command} ${args[0]} failed. ${HOW_TO_GET_IT}\n${output}`);
}
