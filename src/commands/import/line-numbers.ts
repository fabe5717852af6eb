import { createWriteStream } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { CommandRefused } from '../command-refused.ts';

/** Reads a file of `--failed-lines`: one number a line. @throws CommandRefused */
export async function readLineNumbers(path: string): Promise<Set<number>> {
  const text = await readFile(path, 'utf8').catch(refused(path, 'read'));
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  if (!lines.every((line) => /^[1-9]\d{0,14}\r?$/.test(line))) {
    throw new CommandRefused(`The file ${path} must have one line number a line.`);
  }
  return new Set(lines.map(Number));
}

export interface LineNumbersFile {
  /** @throws CommandRefused if the file could not be written meanwhile */
  add(line: number): void;
  /** @throws CommandRefused likewise */
  close(): Promise<void>;
}

/**
 * Replaces the file, or adds to it. The numbers are in it as they come, so that an interrupted command leaves them.
 *
 * @throws CommandRefused
 */
export async function writeLineNumbers(path: string, { adds }: { adds: boolean }): Promise<LineNumbersFile> {
  const file = await open(path, adds ? 'a' : 'w').catch(refused(path, 'written'));
  const stream = createWriteStream(path, { fd: file });
  let failure: Error | undefined;
  stream.on('error', (error) => {
    failure ??= error;
  });
  return {
    add(line) {
      if (failure !== undefined) refused(path, 'written')(failure);
      stream.write(`${line}\n`);
    },
    async close() {
      stream.end();
      await finished(stream).catch((error) => refused(path, 'written')(failure ?? error));
    },
  };
}

/** Whether two paths are of one file. One that does not exist is none. */
export async function isSameFile(one: string, other: string): Promise<boolean> {
  const [first, second] = await Promise.all([one, other].map((path) => stat(path).catch(() => undefined)));
  return first !== undefined && first.ino === second?.ino && first.dev === second.dev;
}

function refused(path: string, verb: string): (error: NodeJS.ErrnoException) => never {
  return ({ code = 'unknown' }) => {
    throw new CommandRefused(`The file ${path} can't be ${verb} (${code}).`);
  };
}
