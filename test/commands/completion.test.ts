import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import { test as base, describe, expect } from 'vitest';
import { LATCHKEY } from '../support/child-process.ts';

const exec = promisify(execFile);
const SHELLS = ['bash', 'zsh', 'fish'] as const;

/** Prints the bash script once for the file, in a process of its own. */
const test = base.extend<{ $file: { bashScript: string } }>({
  bashScript: [
    // biome-ignore lint/correctness/noEmptyPattern: Vitest reads the names of the fixtures that this one needs.
    async ({}, use) => use(await scriptOf('bash')),
    { scope: 'file' },
  ],
});

describe.skipIf(!isInstalled('bash'))('in bash, latchkey completes', () => {
  test.for([
    ['', ['steps', 'servers', 'doctor', 'completion', 'help']],
    ['ste', ['steps']],
    ['steps s', ['start', 'show']],
    ['steps start --ti', ['--title', '--timeout']],
    ['steps start ledger --wa', ['--wait']],
    ['steps start --mode ', ['fully-automated', 'automated-with-confirmation', 'confirm-destructive']],
    ['steps list --status a', ['awaiting-input']],
    ['steps resolve s1 r', ['retry']],
    ['completion ', [...SHELLS]],
    // The value of an option is no command.
    ['steps list --server show --stat', ['--status']],
    ['steps list --server ', []],
  ] as const)('%j', async ([line, words], { bashScript }) => {
    const completed = await completedInBash(bashScript, line);
    if (words.length === 0) expect(completed).toEqual([]);
    else expect(completed).toEqual(expect.arrayContaining([...words]));
    expect(completed.every((word) => word.startsWith(line.split(' ').at(-1) ?? ''))).toBe(true);
  });
});

test('no hidden command is completed, and every command of the help is', async ({ bashScript }) => {
  const { stdout: help } = await exec(process.execPath, [LATCHKEY, '--help']);
  const listed = [...help.matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name);
  expect(listed.length).toBeGreaterThan(10);
  expect((await completedInBash(bashScript, '')).sort()).toEqual(listed.sort());
});

test.skipIf(!isInstalled('fish'))(
  'in fish, latchkey completes commands and the choices of options',
  async () => {
    const complete = async (line: string) => {
      const script = `${await scriptOf('fish')}\ncomplete -C ${JSON.stringify(`latchkey ${line}`)}`;
      const { stdout } = await exec('fish', ['--no-config', '-c', script]);
      return stdout
        .trim()
        .split('\n')
        .map((one) => one.split('\t')[0]);
    };
    expect(await complete('steps s')).toEqual(['show', 'start']);
    expect(await complete('steps list --status a')).toEqual(['awaiting-input']);
  },
);

test.skipIf(!isInstalled('zsh'))('in zsh, latchkey completes commands, options and choices', async () => {
  const script = await scriptOf('zsh');
  // Stands for the functions of zsh's completion system, which need a terminal.
  const system = `compdef() { }
_describe() { print -rl -- "\${(@P)@[-1]}" }
compadd() { shift; print -rl -- $@ }`;
  const complete = async (...line: string[]) => {
    const words = `words=(latchkey ${line.map((word) => `'${word}'`).join(' ')}); CURRENT=${line.length + 1}`;
    const { stdout } = await exec('zsh', ['--no-rcs', '-c', [system, script, words, '_latchkey'].join('\n')]);
    return stdout.split('\n').map((one) => one.split(':')[0]);
  };
  expect(await complete('steps', '')).toEqual(expect.arrayContaining(['start', 'show', 'cancel']));
  expect(await complete('steps', 'start', '--')).toEqual(expect.arrayContaining(['--wait', '--mode']));
  expect(await complete('steps', 'list', '--status', '')).toContain('awaiting-input');
});

async function completedInBash(bashScript: string, line: string): Promise<string[]> {
  const words = ['latchkey', ...line.split(' ')];
  const script = [
    bashScript,
    `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')})`,
    `COMP_CWORD=${words.length - 1}`,
    `_latchkey; printf '%s\\n' "\${COMPREPLY[@]}"`,
  ].join('\n');
  const { stdout } = await exec('bash', ['--norc', '-c', script]);
  return stdout.split('\n').filter((word) => word !== '');
}

async function scriptOf(shell: (typeof SHELLS)[number]): Promise<string> {
  return (await exec(process.execPath, [LATCHKEY, 'completion', shell])).stdout;
}

function isInstalled(shell: string): boolean {
  try {
    execFileSync(shell, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
