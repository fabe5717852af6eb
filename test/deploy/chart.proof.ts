import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { run } from '../../scripts/setup/run.mjs';
import { type ChartTools, chartTools, KUBERNETES_VERSIONS } from './chart-tools.ts';

const CHART = fileURLToPath(new URL('../../deploy/helm/latchkey', import.meta.url));
const CLUSTER = '1.31.0';
const FIRST_BUILD_MS = 900_000;

let found: ChartTools | Error;

beforeAll(async () => {
  found = await chartTools().catch((error: Error) => error);
}, FIRST_BUILD_MS);

function tools({ skip }: { skip: (note: string) => void }): ChartTools {
  if (!(found instanceof Error)) return found;
  if (process.env.CI !== 'true') skip(found.message);
  throw found;
}

interface Rendering {
  chart?: string;
  /** The name of a file in the chart's folder `ci`. */
  values?: string;
  set?: Record<string, string>;
}

const helmArgs = ({ chart = CHART, values = 'minimal', set = {} }: Rendering) => [
  ...[chart, '--kube-version', CLUSTER, '--values', join(CHART, 'ci', `${values}-values.yaml`)],
  ...Object.entries(set).flatMap(([name, value]) => ['--set', `${name}=${value}`]),
];

/** Returns what Helm prints: the manifests, or why there are none. */
function render({ helm }: ChartTools, rendering: Rendering) {
  return runWhole(helm, ['template', 'latchkey', ...helmArgs(rendering)]);
}

/** Unlike `run`, keeps all of the output. */
async function runWhole(program: string, args: string[]) {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-chart-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'manifests.yaml');
  const { ok, output } = await run('sh', ['-c', `"$0" "$@" > ${file}`, program, ...args]);
  return { ok, file, output, text: await readFile(file, 'utf8') };
}

/** The schema of KEDA's ScaledObject is not Kubernetes' own. */
function validate({ kubeconform, schemas }: ChartTools, files: string[], version = CLUSTER) {
  const where = ['-schema-location', schemas, '-kubernetes-version', version];
  return run(kubeconform, ['-strict', '-summary', '-skip', 'ScaledObject', ...where, ...files]);
}

const manifestSchema = z.object({
  kind: z.string(),
  metadata: z.object({ name: z.string() }),
  spec: z.unknown(),
});
const podSchema = z.object({
  template: z.object({
    spec: z.object({
      containers: z.tuple([
        z.object({
          env: z.array(
            z.object({ name: z.string(), value: z.string().optional(), valueFrom: z.unknown().optional() }),
          ),
          envFrom: z.array(z.object({ secretRef: z.object({ name: z.string() }) })),
        }),
      ]),
    }),
  }),
});

function manifestsIn(text: string) {
  const documents = parseAllDocuments(text).map((document) => manifestSchema.parse(document.toJS()));
  return (kind: string, name: string) =>
    documents.find((one) => one.kind === kind && one.metadata.name === name)?.spec;
}

function containerOf(spec: unknown) {
  const [container] = podSchema.parse(spec).template.spec.containers;
  const variables = container.env.map(({ name, ...rest }): [string, unknown] => [
    name,
    rest.valueFrom ?? rest.value,
  ]);
  // Kubernetes' schema does not say so, but its API server refuses such a variable.
  expect(
    container.env.filter(({ value, valueFrom }) => value !== undefined && valueFrom !== undefined),
  ).toEqual([]);
  expect(new Set(variables.map(([name]) => name)).size).toBe(variables.length);
  return {
    env: Object.fromEntries(variables),
    secrets: container.envFrom.map(({ secretRef }) => secretRef.name),
  };
}

const VALUES = ['minimal', 'own-migrations', 'everything'];

describe('the Helm chart', () => {
  test('is tried with every file of values', async () => {
    const files = await readdir(join(CHART, 'ci'));
    expect(files.sort()).toEqual(VALUES.map((name) => `${name}-values.yaml`).sort());
  });

  test.for(VALUES)('passes Helm with %s values', async (values, context) => {
    const lint = await run(tools(context).helm, ['lint', '--strict', ...helmArgs({ values })]);
    expect(lint.output).toContain('0 chart(s) failed');
  });

  test.for(KUBERNETES_VERSIONS)('renders only what Kubernetes %s accepts', async (version, context) => {
    const programs = tools(context);
    const rendered = await Promise.all(VALUES.map((values) => render(programs, { values })));
    for (const { ok, output } of rendered) expect(ok, output).toBe(true);
    const files = rendered.map(({ file }) => file);
    const { ok, output } = await validate(programs, files, version);
    expect(output).toContain('in 3 files - Valid: 18, Invalid: 0, Errors: 0, Skipped: 1');
    expect(ok).toBe(true);
  });

  test('gives each role its own variables, which win over those of all', async (context) => {
    const { text } = await render(tools(context), { values: 'everything' });
    const manifest = manifestsIn(text);
    const worker = containerOf(manifest('Deployment', 'latchkey-worker'));
    const server = containerOf(manifest('Deployment', 'latchkey-server'));
    const migrate = containerOf(manifest('Job', 'latchkey-migrate'));

    expect(worker.env).toMatchObject({
      OTEL_SERVICE_NAME: 'latchkey-worker',
      WORKER_MAX_CALLS_PER_USER: '50',
      TEMPORAL_TASK_QUEUE: 'steps',
      METRICS_HOST: { configMapKeyRef: { name: 'network', key: 'host' } },
      WEBHOOK_SECRETS: { secretKeyRef: { name: 'webhooks', key: 'current' } },
    });
    expect(server.env).toMatchObject({
      OTEL_SERVICE_NAME: 'latchkey-server',
      TEMPORAL_TASK_QUEUE: 'all',
      METRICS_HOST: '::',
      RATE_LIMIT_PER_SERVICE: '1000000',
      JWT_SECRET: { secretKeyRef: { name: 'callers', key: 'jwt-secret' } },
    });
    expect(worker.env).not.toHaveProperty('JWT_SECRET');
    expect(server.env).not.toHaveProperty('WEBHOOK_SECRETS');
    expect(migrate.env).toMatchObject({
      LOG_LEVEL: 'debug',
      TEMPORAL_TASK_QUEUE: 'all',
      METRICS_HOST: { fieldRef: { fieldPath: 'status.podIP' } },
    });
    expect(Object.keys(worker.env.METRICS_HOST ?? {})).toEqual(['configMapKeyRef']);
    expect([worker, server, migrate].map(({ secrets }) => secrets)).toEqual([
      ['latchkey'],
      ['latchkey'],
      ['latchkey-migrate'],
    ]);
    expect(manifest('ScaledObject', 'latchkey-worker')).toMatchObject({
      scaleTargetRef: { name: 'latchkey-worker' },
      triggers: [
        { type: 'temporal', metadata: { endpoint: 'temporal.example.com:7233', taskQueue: 'steps' } },
      ],
    });
  });

  test('leaves a variable of all out where a role says null', async (context) => {
    const set = { 'config.LOG_LEVEL': 'debug', 'worker.env.LOG_LEVEL': 'null', 'config.LOG_FORMAT': 'null' };
    const { ok, text } = await render(tools(context), { set });
    expect(ok).toBe(true);
    const manifest = manifestsIn(text);
    expect(containerOf(manifest('Deployment', 'latchkey-worker')).env).not.toHaveProperty('LOG_LEVEL');
    expect(containerOf(manifest('Deployment', 'latchkey-server')).env).toMatchObject({ LOG_LEVEL: 'debug' });
    expect(text).not.toContain('nil');
  });

  test.for([
    ['no Secret', { existingSecret: '' }, 'existingSecret is required'],
    ['no address', { 'config.PUBLIC_URL': '' }, 'config.PUBLIC_URL is required'],
    ['a secret among the variables', { 'config.JWT_SECRET': 'x' }, 'config.JWT_SECRET is a secret'],
    ["a secret among a role's", { 'worker.env.PAYLOAD_KEYS': 'x' }, 'worker.env.PAYLOAD_KEYS is a secret'],
    [
      "a secret's text behind a value",
      { 'server.env.DATABASE_URL.value': 'postgres://u:p@h/d' },
      'server.env.DATABASE_URL is a secret',
    ],
    [
      'a task queue that KEDA can not read',
      {
        'worker.scaling.enabled': 'true',
        'worker.env.TEMPORAL_TASK_QUEUE.valueFrom.configMapKeyRef.name': 'temporal',
      },
      'TEMPORAL_TASK_QUEUE of the worker must be a text',
    ],
    ['a port among them', { 'server.env.METRICS_PORT': '1' }, 'is set by server.metricsPort'],
    ['an ingress without its host', { 'ingress.enabled': 'true' }, 'ingress.host is required'],
  ] as const)('is refused with %s', async ([, set, reason], context) => {
    const { ok, output } = await render(tools(context), { set });
    expect(ok).toBe(false);
    expect(output).toContain(reason);
  });
});

/** The checks above would find these faults. */
describe('a chart with a fault', () => {
  test.for([
    ['a misspelt field', 'imagePullPolicy:', 'imagePullPolcy:', "additional properties 'imagePullPolcy'"],
    [
      'a text for a number',
      'replicas: {{ .Values.worker.replicas }}',
      'replicas: two',
      "at '/spec/replicas'",
    ],
    [
      'a field that is missing',
      '  selector:\n    matchLabels',
      '  x:\n    matchLabels',
      "missing property 'selector'",
    ],
  ] as const)('is found: %s', async ([, from, to, complaint], context) => {
    const programs = tools(context);
    const chart = await copyWith({ from, to });
    const { ok, file } = await render(programs, { chart });
    expect(ok).toBe(true);
    const validated = await validate(programs, [file]);
    expect(validated.ok).toBe(false);
    expect(validated.output).toContain(complaint);
  });
});

async function copyWith({ from, to }: { from: string; to: string }): Promise<string> {
  const chart = await mkdtemp(join(tmpdir(), 'latchkey-chart-'));
  onTestFinished(() => rm(chart, { recursive: true }));
  await cp(CHART, chart, { recursive: true });
  const template = join(chart, 'templates', 'worker.yaml');
  const text = await readFile(template, 'utf8');
  expect(text).toContain(from);
  await writeFile(template, text.replace(from, to));
  return chart;
}
