import { createWriteStream } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
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
  add(line: number): void;
  close(): Promise<void>;
}

/** Replaces the file. The numbers are in it as they come, so that an interrupted command leaves them. @throws CommandRefused */
export async function writeLineNumbers(path: string): Promise<LineNumbersFile> {
  const file = await open(path, 'w').catch(refused(path, 'written'));
  const stream = createWriteStream(path, { fd: file });
  return {
    add: (line) => void stream.write(`${line}\n`),
    async close() {
      stream.end();
      await finished(stream);
    },
  };
}

function refused(path: string, verb: string): (error: NodeJS.ErrnoException) => never {
  return ({ code = 'unknown' }) => {
    throw new CommandRefused(`The file ${path} can't be ${verb} (${code}).`);
  };
}
