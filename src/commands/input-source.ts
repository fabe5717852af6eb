import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { readNamedVariable } from '../config/named-variable.ts';
import { CommandRefused } from './command-refused.ts';

/** Where an option's value comes from, other than the command line, which other users of the machine may see. */
export type InputSource =
  | { kind: 'file'; path: string }
  | { kind: 'stdin' }
  | { kind: 'variable'; name: string };

/** How the help names the sources. */
export const SOURCES = '@<file>, - for standard input, or env:<variable>';

/** Returns undefined for any other text. */
export function sourceOf(value: string): InputSource | undefined {
  if (value === '-') return { kind: 'stdin' };
  if (value.startsWith('@') && value.length > 1) return { kind: 'file', path: value.slice(1) };
  const [, name] = /^env:([A-Za-z_][A-Za-z0-9_]*)$/.exec(value) ?? [];
  return name === undefined ? undefined : { kind: 'variable', name };
}

/** @throws CommandRefused */
export async function readSource(source: InputSource): Promise<string> {
  switch (source.kind) {
    case 'stdin':
      return text(process.stdin);
    case 'file':
      return readFile(source.path, 'utf8').catch((error: NodeJS.ErrnoException) => {
        throw new CommandRefused(`The file ${source.path} can't be read (${error.code ?? 'unknown'}).`);
      });
    case 'variable':
      return readVariable(source.name);
    default:
      return source satisfies never;
  }
}

function readVariable(name: string): string {
  const value = readNamedVariable(name);
  if (value === undefined) throw new CommandRefused(`The environment variable ${name} is not set.`);
  return value;
}

/**
 * Refuses a command that reads standard input twice: the second reader would get nothing.
 *
 * @throws CommandRefused naming the options
 */
export function refuseSharedStdin(options: Readonly<Record<string, string | undefined>>): void {
  const readers = Object.keys(options).filter((name) => options[name] === '-');
  if (readers.length > 1) {
    throw new CommandRefused(`Only one option can read standard input: ${readers.join(', ')}.`);
  }
}
