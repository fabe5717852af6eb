import { rmSync } from 'node:fs';
import { fetchProgram, sdkDownload } from './fetch-program.mjs';
import { Problem, say } from './problem.mjs';
import { run } from './run.mjs';

// The latest version that `go install` accepts. Later ones have a replace directive in go.mod.
const GO_PACKAGE = 'github.com/temporalio/cli/cmd/temporal@v1.5.1';

/** Gets Temporal's CLI for its dev server, unless the environment names a running Temporal server. */
export async function ensureTemporalCli(binaries, environment) {
  if (environment.TEMPORAL_ADDRESS) return;
  const found = binaries.findTemporalCli(environment);
  const advice = binaries.HOW_TO_INSTALL_TEMPORAL_CLI;
  if (found.kind === 'misconfigured') throw new Problem(`TEMPORAL_CLI_PATH: ${found.path} is not a program.`);
  if (found.kind === 'found') {
    if (await printsVersion(found.path)) return;
    if (found.from !== 'cache') throw new Problem(`${found.path} does not run here. ${advice}`);
    rmSync(found.path);
  }
  say('getting the Temporal dev server …');
  const cachePath = found.kind === 'found' ? found.path : found.cachePath;
  await fetchProgram(cachePath, {
    what: 'The Temporal dev server',
    ways: [sdkDownload('dev-server'), goInstall],
    runs: printsVersion,
    advice,
  });
}

/** @type {import('./fetch-program.mjs').Way} */
const goInstall = {
  name: 'building it with Go',
  fetch: async (folder) => {
    if (!(await run('go', ['version'])).ok) return { ok: false, output: 'Go is not installed' };
    say('building it from source with Go instead (once; about four minutes) …');
    // Overrides a configured GOBIN, which must not win over the folder. The CLI needs no C compiler.
    const env = { GOBIN: folder, CGO_ENABLED: '0', GOOS: '', GOARCH: '', GOFLAGS: '' };
    return run('go', ['install', GO_PACKAGE], { env, doing: 'building the Temporal dev server' });
  },
};

async function printsVersion(path) {
  return (await run(path, ['--version'])).ok;
}
