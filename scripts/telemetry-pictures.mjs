/**
 * `npm run screenshots:telemetry`: takes the pictures of a trace and of the dashboard into `docs/images`. They show one
 * run of the demo and five minutes of load after it, on real processes. The spans go over OTLP into Zipkin, whose page
 * is the picture. Prometheus scrapes the processes; the panels are drawn here from the dashboard's queries, because
 * Grafana is no package that can be installed.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { loadConfig } from '../dist/config/load-config.js';
import { createNarrator } from '../dist/dev/demo/narrator.js';
import { setStage } from '../dist/dev/demo/stage.js';
import { playStory } from '../dist/dev/demo/story.js';
import { findChromium, HOW_TO_GET_CHROMIUM } from '../test/browser/chromium.ts';
import { evaluateDashboard } from './telemetry-pictures/dashboard.mjs';
import { drawDashboard } from './telemetry-pictures/dashboard-page.mjs';
import { playLoad } from './telemetry-pictures/load.mjs';
import { otlpToZipkin } from './telemetry-pictures/otlp-to-zipkin.mjs';
import { SCRAPE_SECONDS, startPrometheus } from './telemetry-pictures/prometheus.mjs';
import { startSpanCollector } from './telemetry-pictures/span-collector.mjs';
import { startZipkin } from './telemetry-pictures/zipkin.mjs';

const IMAGES = fileURLToPath(new URL('../docs/images/', import.meta.url));
/** A step of the demo that waits for its user while its worker is killed. */
const STEP = 'invoice-1';
const EXPORT_MS = 200;
const PAGE_TIMEOUT_MS = 120_000;
/** Below the ports that the system gives to others. */
const FIRST_METRICS_PORT = 19_464;

const executablePath = findChromium(process.env);
if (executablePath === undefined) throw new Error(HOW_TO_GET_CHROMIUM);
const loaded = loadConfig('dev');
if (!loaded.ok) throw new Error('`npm run screenshots:telemetry` needs the configuration of `npm run demo`');
const zipkin = await startZipkin();
const prometheus = await startPrometheus();
const collector = await startSpanCollector();
const targets = [];
const stage = await setStage(loaded.config, { environmentOf });
const browser = await chromium.launch({
  executablePath,
  // Root may not use Chromium's sandbox. It opens only pages of this machine.
  args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
});
try {
  await prometheus.scrape(targets);
  const start = Date.now() / 1_000;
  const write = (line) => process.stdout.write(`${line}\n`);
  await playStory(stage, createNarrator({ json: false, write }));
  await prometheus.scrape(targets);
  await delay(2 * EXPORT_MS);
  await pictureOfTrace();
  await playLoad(stage);
  await delay(SCRAPE_SECONDS * 1_000);
  await pictureOfDashboard({ start, end: Date.now() / 1_000 });
} finally {
  await browser.close();
  await stage.stop();
  await Promise.all([prometheus.stop(), zipkin.stop()]);
  collector.close();
}

function environmentOf(role) {
  const port = FIRST_METRICS_PORT + targets.length;
  const number = targets.filter(({ job }) => job === `latchkey-${role}`).length + 1;
  targets.push({ job: `latchkey-${role}`, instance: `${role}-${number}`, port });
  return {
    METRICS_PORT: String(port),
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
    OTEL_SERVICE_NAME: `latchkey-${role}`,
    OTEL_RESOURCE_ATTRIBUTES: `service.instance.id=${role}-${number}`,
    // The worker is killed, and what it has not sent by then is lost.
    OTEL_BSP_SCHEDULE_DELAY: String(EXPORT_MS),
  };
}

async function pictureOfTrace() {
  const spans = collector.exports.flatMap(otlpToZipkin);
  await zipkin.store(spans);
  const traceId = spans.find(({ tags }) => tags['latchkey.step_id'] === STEP)?.traceId;
  const page = await browser.newPage({ viewport: { width: 1280, height: 640 }, deviceScaleFactor: 1.5 });
  await page.goto(zipkin.pageOf(traceId));
  for (const colorScheme of ['light', 'dark']) {
    // The call after the pause. Zipkin writes names in small letters.
    await page.getByText('invoketool').last().click({ timeout: PAGE_TIMEOUT_MS });
    await page.getByText('service.instance.id').waitFor();
    await takePicture(page, `trace-${colorScheme}`);
    // Changes the colours.
    await page.locator('header button').last().click();
  }
}

async function pictureOfDashboard(range) {
  const panels = await evaluateDashboard(prometheus, range);
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  for (const colorScheme of ['light', 'dark']) {
    await drawDashboard(page, panels, { colorScheme, ...range });
    await takePicture(page, `dashboard-${colorScheme}`, { fullPage: true });
  }
  const empty = panels.filter(({ isRow, series }) => !isRow && series.length === 0).map(({ title }) => title);
  if (empty.length > 0) throw new Error(`these panels show nothing: ${empty.join(', ')}`);
}

async function takePicture(page, name, options = {}) {
  await page.screenshot({ path: `${IMAGES}${name}.png`, ...options });
  process.stdout.write(`docs/images/${name}.png\n`);
}
