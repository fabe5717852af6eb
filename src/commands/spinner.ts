/** Shows at a terminal that the command waits. In a pipe it does nothing. */
export interface Spinner {
  /** Starts, or changes the text of, the moving line. */
  show(text: string): void;
  /** Removes the line, so that something else can be printed. */
  clear(): void;
}

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const INTERVAL_MS = 100;
/** ECMA-48: to the start of the line, and erase to its end. */
const ERASE_LINE = '\r\u001b[K';

/**
 * Moves on stderr, so that stdout has only the output. It does not use the spinner of `@clack/prompts`, which reads the
 * keyboard and ends the process with 0 at Ctrl-C.
 */
export function createSpinner(stream: NodeJS.WriteStream, isShown = stream.isTTY === true): Spinner {
  if (!isShown) return { show() {}, clear() {} };
  let shown = '';
  let turns = 0;
  let timer: NodeJS.Timeout | undefined;
  const draw = () => {
    const line = `${FRAMES[turns++ % FRAMES.length]} ${shown}`;
    stream.write(`${ERASE_LINE}${line.slice(0, (stream.columns || 80) - 1)}`);
  };
  return {
    show(text) {
      shown = text;
      timer ??= setInterval(draw, INTERVAL_MS);
      draw();
    },
    clear() {
      if (timer === undefined) return;
      clearInterval(timer);
      timer = undefined;
      stream.write(ERASE_LINE);
    },
  };
}
