import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../dist/dev/embedded/free-port.js';
import { cacheFolder } from '../../dist/dev/embedded/server-binaries.js';
import { say } from '../setup/problem.mjs';
import { run } from '../setup/run.mjs';
import { untilAnswers } from './until-answers.mjs';

const VERSION = '3.5.1';
const HOW_TO_GET_IT =
  'Zipkin needs Java 17 and Maven, or ZIPKIN_JAR set to its executable jar (https://zipkin.io/pages/quickstart).';

/** Starts Zipkin's server, which keeps the spans in memory. */
export async function startZipkin() {
  const jar = process.env.ZIPKIN_JAR ?? (await cachedJar());
  const port = await freePort();
  const server = spawn('java', ['-jar', jar, `--server.port=${port}`], { stdio: 'ignore' });
  const url = `http://127.0.0.1:${port}`;
  await untilAnswers(`${url}/health`, server, HOW_TO_GET_IT);
  return {
    async store(spans) {
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify(spans);
      const response = await fetch(`${url}/api/v2/spans`, { method: 'POST', headers, body });
      if (!response.ok) throw new Error(`Zipkin answered ${response.status} ${await response.text()}`);
    },
    pageOf: (traceId) => `${url}/zipkin/traces/${traceId}`,
    async stop() {
      server.kill();
      await once(server, 'exit');
    },
  };
}

async function cachedJar() {
  const folder = join(cacheFolder(process.env), 'zipkin');
  const jar = join(folder, `zipkin-server-${VERSION}-exec.jar`);
  if (existsSync(jar)) return jar;
  say(`getting Zipkin ${VERSION} …`);
  const artifact = `-Dartifact=io.zipkin:zipkin-server:${VERSION}:jar:exec`;
  const copied = await run('mvn', [
    '--batch-mode',
    'dependency:copy',
    artifact,
    `-DoutputDirectory=${folder}`,
  ]);
  if (!copied.ok) throw new Error(`${HOW_TO_GET_IT}\n${copied.output}`);
  return jar;
}
