import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { variablesOfRole } from '../../src/config/load-config.ts';
import { packageVersion } from '../../src/config/version.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const CHART = 'deploy/helm/latchkey';

/** What glibc, Node and OpenTelemetry read. */
const OTHER_VARIABLES = ['MALLOC_ARENA_MAX', 'NODE_ENV', 'OTEL_EXPORTER_OTLP_HEADERS', 'OTEL_SERVICE_NAME'];
const VARIABLES = new Set([
  ...(['operator', 'worker', 'server'] as const).flatMap((role) => variablesOfRole(role).map(namesOf)).flat(),
  ...OTHER_VARIABLES,
]);
const COMMANDS = ['migrate', 'worker', 'server'];

const read = (path: string) => readFileSync(`${ROOT}${path}`, 'utf8');
const templates = readdirSync(`${ROOT}${CHART}/templates`).map((name) => read(`${CHART}/templates/${name}`));

const composeSchema = z.object({
  services: z.record(
    z.string(),
    z.object({
      command: z.array(z.string()).optional(),
      environment: z.record(z.string(), z.string()).default({}),
      read_only: z.boolean().optional(),
      stop_grace_period: z.string().optional(),
      depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
    }),
  ),
});
const { services } = composeSchema.parse(parse(read('deploy/compose.yaml'), { merge: true }));

// The help names some variables together: `TEMPORAL_TLS_*`.
function namesOf({ name }: { name: string }): string[] {
  return name.split(/[\s,]+/);
}

function unknownAmong(names: Iterable<string>): string[] {
  return [...names].filter(
    (name) =>
      !VARIABLES.has(name) &&
      ![...VARIABLES].some((known) => known.endsWith('*') && name.startsWith(known.slice(0, -1))),
  );
}

describe('deploy/Dockerfile', () => {
  const dockerfile = read('deploy/Dockerfile');
  const instructions = (name: string) =>
    [...dockerfile.matchAll(new RegExp(`^${name} (.+)$`, 'gm'))].map(([, rest = '']) => rest);

  test('runs the command of the package as a user without rights', () => {
    const { bin } = z
      .object({ bin: z.object({ latchkey: z.string() }) })
      .parse(JSON.parse(read('package.json')));
    expect(instructions('ENTRYPOINT')).toEqual([`["node", "/app/${bin.latchkey}"]`]);
    expect(instructions('USER')).toEqual(['1000:1000']);
  });

  test('sets only variables that are read, and exposes the port that it sets', () => {
    const set = new Map(
      instructions('ENV')
        .flatMap((line) => line.split(' '))
        .map((pair): [string, string] => [pair.split('=')[0] ?? '', pair.split('=')[1] ?? '']),
    );
    expect(unknownAmong(set.keys())).toEqual([]);
    expect(instructions('EXPOSE')).toEqual([set.get('PORT')]);
  });

  test('copies only what is there and what .dockerignore lets through', () => {
    const sent = read('.dockerignore')
      .split('\n')
      .flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []));
    expect(sent.filter((path) => !existsSync(`${ROOT}${path}`))).toEqual([]);
    const copied = instructions('COPY')
      .filter((line) => !line.startsWith('--from'))
      .flatMap((line) => line.split(' ').slice(0, -1))
      .filter((path) => path !== '.');
    expect(copied.filter((path) => !sent.includes(path))).toEqual([]);
    const { files } = z.object({ files: z.array(z.string()) }).parse(JSON.parse(read('package.json')));
    const packed = files.filter((path) => !path.startsWith('!') && path !== 'dist');
    expect(packed.filter((path) => !sent.includes(path))).toEqual([]);
  });
});

describe('deploy/compose.yaml', () => {
  const ours = Object.entries(services).filter(([name]) => COMMANDS.includes(name));

  test('runs each command once, read-only, with time to drain', () => {
    expect(ours.map(([name]) => name).sort()).toEqual([...COMMANDS].sort());
    for (const [name, service] of ours) {
      expect(service, name).toMatchObject({ command: [name], read_only: true, stop_grace_period: '90s' });
    }
  });

  test('sets only variables that are read', () => {
    for (const [name, { environment }] of ours)
      expect(unknownAmong(Object.keys(environment)), name).toEqual([]);
  });

  test('starts the processes after the migrations', () => {
    for (const name of ['worker', 'server'])
      expect(services[name]?.depends_on.migrate).toEqual({ condition: 'service_completed_successfully' });
  });
});

describe(CHART, () => {
  const valuesSchema = z.object({
    config: z.record(z.string(), z.string()),
    worker: z.object({ terminationGracePeriodSeconds: z.number() }),
    server: z.object({ terminationGracePeriodSeconds: z.number() }),
  });
  const role = z.object({ env: z.record(z.string(), z.unknown()).default({}) }).prefault({});
  const triedSchema = z.object({
    config: z.record(z.string(), z.unknown()),
    worker: role,
    server: role,
    migrate: role,
  });
  const allValues: unknown = parse(read(`${CHART}/values.yaml`));
  const values = valuesSchema.parse(allValues);

  test('names only variables that are read', () => {
    const named = templates.flatMap((text) =>
      [...text.matchAll(/(?:- name: |")([A-Z][A-Z_]{3,})(?:"|$)/gm)].map(([, name = '']) => name),
    );
    expect(named).toContain('METRICS_PORT');
    expect(unknownAmong([...named, ...Object.keys(values.config)])).toEqual([]);
  });

  test('is tried with the values that docs/deploy.md shows', () => {
    const [, shown = ''] = /```yaml\n(# values\.yaml[\s\S]*?)```/.exec(read('docs/deploy.md')) ?? [];
    const values = z.record(z.string(), z.unknown()).parse(parse(shown));
    expect(Object.keys(values)).toEqual(['worker', 'server']);
    expect(parse(read(`${CHART}/ci/everything-values.yaml`))).toMatchObject(values);
  });

  test('is tried with variables that are read', () => {
    const named = readdirSync(`${ROOT}${CHART}/ci`).flatMap((file) => {
      const { config, ...roles } = triedSchema.parse(parse(read(`${CHART}/ci/${file}`)));
      return [config, ...Object.values(roles).map(({ env }) => env)].flatMap(Object.keys);
    });
    expect(named).toContain('WEBHOOK_SECRETS');
    expect(unknownAmong(named)).toEqual([]);
  });

  test('runs each command, and gives it the time that it needs to end', () => {
    const commands = templates.flatMap((text) =>
      [...text.matchAll(/args: \[(.+)\]/g)].map(([, name]) => name),
    );
    expect(commands.sort()).toEqual([...COMMANDS].sort());
    expect(values.worker.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(90);
    expect(values.server.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(90);
  });

  test('uses only values that exist', () => {
    const used = templates.flatMap((text) =>
      [...text.matchAll(/\.Values\.([A-Za-z.]+)/g)].map(([, path = '']) => path),
    );
    const missing = used.filter((path) => !path.startsWith('config.') && !hasPath(allValues, path));
    expect(used.length).toBeGreaterThan(20);
    expect(missing).toEqual([]);
  });

  test('has the version of the package', () => {
    expect(parse(read(`${CHART}/Chart.yaml`))).toMatchObject({ appVersion: packageVersion() });
  });
});

function hasPath(value: unknown, path: string): boolean {
  let current: unknown = value;
  for (const key of path.split('.')) {
    if (typeof current !== 'object' || current === null || !(key in current)) return false;
    current = Reflect.get(current, key);
  }
  return true;
}
