import { expect, test } from 'vitest';
import { normalized, screenOf } from './terminal-output.ts';
import { readTutorial } from './tutorial-page.ts';

test('a screen shows a line as it was overwritten last', () => {
  expect(screenOf('⠋\u001b[1G\u001b[0K\r\u001b[K⠙ Waiting\r\u001b[KSucceeded\r\nnext\r\n')).toBe(
    'Succeeded\nnext\n',
  );
});

test('two outputs are the same if only ports, folders, times, numbers and widths differ', () => {
  const first =
    'a  http://127.0.0.1:80/x\nRunning\n\nINV-1  2026-01-01T00:00:00.000Z /tmp/latchkey-demo-a1/token';
  const second = 'a http://127.0.0.1:4711/x\nINV-22  2026-12-31T23:59:59.999Z  /t/latchkey-demo-Zz/token';

  expect(normalized(first)).toEqual(normalized(second));
  expect(normalized(first)).not.toEqual(normalized(second.replace('/x', '/y')));
});

test('the tutorial says what to run, to press and to type', async () => {
  const { commands, buttons, account, lastPage } = await readTutorial();

  expect(commands.length).toBeGreaterThan(5);
  expect(commands.map(({ command }) => command.split('\n').length)).toEqual(commands.map(() => 1));
  expect(buttons).toEqual(['Connect', 'Sign in and allow']);
  expect([account, lastPage]).not.toContain('');
});
