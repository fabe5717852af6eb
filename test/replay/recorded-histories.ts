import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { historyFromJSON, historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { machinePathsIn, withoutMachine } from './without-machine.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url));

export type History = ReturnType<typeof historyFromJSON>;

export interface RecordedHistory {
  /** `0.1.0/pause.json`; a run of a chain that continued as new has its number behind the name. */
  path: string;
  workflowId: string;
  runId: string;
  history: History;
}

/** Append-only: one folder a version of Latchkey that first wrote such a history, and a checksum of each. */
export interface RecordedHistories {
  read(): RecordedHistory[];
  /** What it says, byte by byte. */
  textOf(path: string): string;
  /** What has become of what was recorded, in words; nothing has to. */
  violations(): string[];
  /**
   * Adds the runs of one story, the first one first, and their checksums.
   *
   * @throws having written nothing, where a file exists, a history names a path of this machine, or anything that
   *   was recorded before has been changed or removed
   */
  write(version: string, story: string, runs: History[]): void;
}

/** @param root holds `histories/` and `histories.sha256`, as `sha256sum` prints it */
export function openRecordedHistories(root = HERE): RecordedHistories {
  const folder = join(root, 'histories');
  const checksums = join(root, 'histories.sha256');
  const textOf = (path: string) => readFileSync(join(folder, path), 'utf8');
  const violations = () =>
    violationsOf(
      existsSync(checksums) ? readFileSync(checksums, 'utf8') : '',
      new Map(pathsIn(folder).map((path) => [path, checksumLine(path, textOf(path))])),
    );
  return {
    read: () => pathsIn(folder).map((path) => parseHistory(path, textOf(path))),
    textOf,
    violations,
    write(version, story, runs) {
      const files = filesOf(version, story, runs);
      const refused = [...violations(), ...files.flatMap((file) => refusalsOf(file, folder))];
      if (refused.length > 0) throw new Error(`nothing is recorded: ${refused.join('; ')}`);
      mkdirSync(join(folder, version), { recursive: true });
      for (const { path, text } of files) {
        writeFileSync(join(folder, path), text, { flag: 'wx' });
        appendFileSync(checksums, checksumLine(path, text));
      }
    },
  };
}

/** What a history is called: its file's name without run number and ending. */
export function storyOf(path: string): string {
  return path.replace(/^.*\//, '').replace(/(\.run-\d+)?\.json$/, '');
}

function parseHistory(path: string, text: string): RecordedHistory {
  const history = historyFromJSON(JSON.parse(text));
  const { workflowId, originalExecutionRunId: runId } =
    history.events?.[0]?.workflowExecutionStartedEventAttributes ?? {};
  // A step reads its own id, which says whose it is.
  if (!workflowId || !runId) throw new Error(`${path} does not say which execution it is of`);
  return { path, workflowId, runId, history };
}

function pathsIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.json'))
    .sort();
}

interface HistoryFile {
  path: string;
  text: string;
}

function filesOf(version: string, story: string, runs: History[]): HistoryFile[] {
  return runs.map((history, at) => {
    const name = runs.length === 1 ? `${story}.json` : `${story}.run-${at + 1}.json`;
    return { path: `${version}/${name}`, text: `${withoutMachine(historyToJSON(history))}\n` };
  });
}

function refusalsOf({ path, text }: HistoryFile, folder: string): string[] {
  return [
    ...(existsSync(join(folder, path)) ? [`${path} is there already`] : []),
    ...machinePathsIn(text).map((machinePath) => `${path} would name ${machinePath}`),
  ];
}

function checksumLine(path: string, text: string): string {
  return `${createHash('sha256').update(text).digest('hex')}  ${path}\n`;
}

/** @param current by path, the line that each file should have */
function violationsOf(manifest: string, current: ReadonlyMap<string, string>): string[] {
  const lines = (manifest.match(/.*\n|.+$/g) ?? []).map((line) => ({
    line,
    path: line.replace(/^\S* {2}|\n$/g, ''),
  }));
  const recorded = new Set(lines.map(({ path }) => path));
  return [
    ...lines
      .filter(({ line, path }) => current.get(path) !== line)
      .map(({ path }) => `${path} has been ${current.has(path) ? 'changed' : 'removed'}`),
    ...[...current.keys()].filter((path) => !recorded.has(path)).map((path) => `${path} has no checksum`),
  ];
}
