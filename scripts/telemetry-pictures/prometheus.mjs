import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../dist/dev/embedded/free-port.js';
import { findPrometheusProgram } from '../../test/telemetry/metrics/prometheus-programs.ts';
import { untilAnswers } from './until-answers.mjs';

export const SCRAPE_SECONDS = 5;
const HOW_TO_GET_IT = 'Install Prometheus, or set PROMETHEUS_PATH.';

/**
 * Starts Prometheus with no targets.
 *
 * @see https://prometheus.io/docs/prometheus/latest/querying/api/
 */
export async function startPrometheus() {
  const program = await findPrometheusProgram('prometheus');
  if (program === undefined) throw new Error(HOW_TO_GET_IT);
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-prometheus-'));
  const targets = join(folder, 'targets.json');
  await writeFile(targets, '[]');
  // JSON is YAML.
  const config = {
    global: { scrape_interval: `${SCRAPE_SECONDS}s`, scrape_timeout: '4s' },
    scrape_configs: [{ job_name: 'latchkey', file_sd_configs: [{ files: [targets] }] }],
  };
  await writeFile(join(folder, 'prometheus.yml'), JSON.stringify(config));
  const address = `127.0.0.1:${await freePort()}`;
  const args = [`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`];
  const server = spawn(program, [...args, `--web.listen-address=${address}`], { stdio: 'ignore' });
  await untilAnswers(`http://${address}/-/ready`, server, HOW_TO_GET_IT);
  return {
    /** @param {{ job: string, instance: string, port: number }[]} list all targets */
    scrape: (list) =>
      writeFile(
        targets,
        JSON.stringify(list.map(({ port, ...labels }) => ({ targets: [`127.0.0.1:${port}`], labels }))),
      ),
    /** Returns the series of a query over a range of Unix seconds. */
    async range(query, { start, end, step }) {
      const response = await fetch(`http://${address}/api/v1/query_range`, {
        method: 'POST',
        body: new URLSearchParams({ query, start: String(start), end: String(end), step: String(step) }),
      });
      const { status, data, error } = await response.json();
      if (status !== 'success') throw new Error(`${query}: ${error}`);
      return data.result;
    },
    async stop() {
      server.kill();
      await once(server, 'exit');
      await rm(folder, { recursive: true });
    },
  };
}
