import { isCancel, password } from '@clack/prompts';
import { CommandRefused } from './command-refused.ts';
import { readSource, SOURCES, sourceOf } from './input-source.ts';

/**
 * Reads a secret from a file, standard input or an environment variable. It is asked for where standard input is a
 * terminal. The line break at its end is not a part of it.
 *
 * @param option the option that names the source
 * @throws CommandRefused if the value is not a source. The message never quotes it: it may be the secret itself
 */
export async function readSecret(option: string, value: string): Promise<string> {
  const source = sourceOf(value);
  if (source === undefined) {
    throw new CommandRefused(
      `${option} takes no secret itself, because other users of this machine may see it: give ${SOURCES}.`,
    );
  }
  const isAsked = source.kind === 'stdin' && process.stdin.isTTY === true;
  const secret = isAsked ? await askForSecret(option) : (await readSource(source)).replace(/\r?\n$/, '');
  if (secret === '') throw new CommandRefused(`${option} got nothing from its source.`);
  return secret;
}

async function askForSecret(option: string): Promise<string> {
  const answer = await password({ message: option.replace(/^--/, ''), output: process.stderr });
  if (isCancel(answer)) throw new CommandRefused('Cancelled.');
  return answer;
}
