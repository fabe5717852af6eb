import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { findPrometheusProgram } from './prometheus-programs.ts';

const exec = promisify(execFile);
const FOLDER = fileURLToPath(new URL('../../../deploy/prometheus/', import.meta.url));

const MISSING = 'no promtool: set PROMTOOL_PATH, or install Prometheus';

let promtool: string | undefined;

beforeAll(async () => {
  promtool = await findPrometheusProgram('promtool');
});

describe("Prometheus' own tool", () => {
  test.for([
    ['finds the alert rules correct', ['check', 'rules', 'latchkey.rules.yaml']],
    ['sees each alert raised when it should be, and not else', ['test', 'rules', 'latchkey.rules.test.yaml']],
  ] as const)('%s', async ([, args], context) => {
    if (promtool === undefined && process.env.CI !== 'true') context.skip(MISSING);
    if (promtool === undefined) throw new Error(MISSING);
    const { stdout } = await exec(promtool, args, { cwd: FOLDER });
    expect(stdout).toMatch(/SUCCESS/);
  });
});
