import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { historyFromJSON, historyToJSON } from '@temporalio/common/lib/proto-utils.js';

/** One folder a version of Latchkey that first wrote such a history; nothing in them is ever changed. */
const FOLDER = fileURLToPath(new URL('./histories/', import.meta.url));
const CHECKSUMS = fileURLToPath(new URL('./histories.sha256', import.meta.url));

export type History = ReturnType<typeof historyFromJSON>;

export interface RecordedHistory {
  /** `0.1.0/pause.json`; a run of a chain that continued as new has its number behind the name. */
  path: string;
  workflowId: string;
  history: History;
}

export function readHistories(): RecordedHistory[] {
  return listPaths().map((path) => ({
    path,
    workflowId: path,
    history: historyFromJSON(JSON.parse(textOf(path))),
  }));
}

/** What a history is called: its file's name without run number and ending. */
export function storyOf(path: string): string {
  return path.replace(/^.*\//, '').replace(/(\.run-\d+)?\.json$/, '');
}

/** Writes the runs of one story, the first one first. @throws where the file exists: histories are append-only */
export function writeHistories(version: string, story: string, runs: History[]): void {
  const folder = join(FOLDER, version);
  mkdirSync(folder, { recursive: true });
  for (const [n, history] of runs.entries()) {
    const name = runs.length === 1 ? `${story}.json` : `${story}.run-${n + 1}.json`;
    writeFileSync(join(folder, name), `${withoutMachine(historyToJSON(history))}\n`, { flag: 'wx' });
  }
}

/** The checksums of all histories there are, as `sha256sum` prints them. */
export function currentChecksums(): string {
  return listPaths()
    .map((path) => `${createHash('sha256').update(textOf(path)).digest('hex')}  ${path}\n`)
    .join('');
}

export function recordedChecksums(): string {
  return existsSync(CHECKSUMS) ? readFileSync(CHECKSUMS, 'utf8') : '';
}

export function writeChecksums(): void {
  writeFileSync(CHECKSUMS, currentChecksums());
}

function listPaths(): string[] {
  if (!existsSync(FOLDER)) return [];
  return readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.json'))
    .sort();
}

function textOf(path: string): string {
  return readFileSync(join(FOLDER, path), 'utf8');
}

// Identities of workers and clients, `pid@host`: histories are published.
function withoutMachine(json: string): string {
  return json.replaceAll(/\b\d+@[\w.-]+/g, 'recorder');
}
