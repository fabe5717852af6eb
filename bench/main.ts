/**
 * `npm run bench`: measures steps against the plain workflows that a team would write instead, on this machine, in one
 * go. docs/performance.md describes the method.
 */
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { measure } from './measure.ts';
import type { Undo } from './names.ts';
import { type BenchOptions, readOptions, USAGE } from './options.ts';
import { type PartialReport, reportSchema } from './report/figures.ts';
import { reportAsText } from './report/table.ts';
import { wrongCounts } from './report/targets.ts';
import { writeDocs } from './report/write-docs.ts';
import { writeGrowthDocs } from './report/write-growth-docs.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  const undo: Undo = [];
  const cleanUp = async () => {
    for (const undoOne of undo.splice(0).reverse()) await undoOne().catch(console.error);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => cleanUp().finally(() => process.exit(1)));
  }
  try {
    const { report, folder } = await measure(options, undo);
    await publish(options, report);
    // After a failure the logs stay.
    undo.unshift(() => rm(folder, { recursive: true, force: true }));
  } catch (error) {
    // Before the clean-up, which may fail because of it.
    console.error(error);
    process.exitCode = 1;
  }
  await cleanUp();
}

async function publish(options: BenchOptions, report: PartialReport): Promise<void> {
  if (options.writeDocs) {
    if (report.growth !== undefined) await writeGrowthDocs(ROOT, report);
    else await writeDocs(ROOT, reportSchema.parse(report));
  }
  process.stdout.write(`${options.json ? JSON.stringify(report) : reportAsText(report)}\n`);
  const wrong = wrongCounts(report);
  for (const sentence of wrong) process.stderr.write(`${sentence}\n`);
  if (options.checkCounts && wrong.length > 0) process.exitCode = 1;
}

main()
  .catch((error: unknown) => {
    console.error(error, `\n${USAGE}`);
    process.exitCode = 1;
  })
  // The Temporal connection is still open: the SDK repeats calls on timers, which throw if it has been closed.
  .finally(() => process.exit());
