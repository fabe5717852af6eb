import { Notice } from './notice.tsx';

/**
 * What the form before this page has done. The address holds it, as `?said=`, so anyone can make it up: a page shows it
 * only where what it lists agrees.
 */
const DONE = {
  'server-added': 'Added. Users find it under Connections and Start a step.',
  'server-removed': 'The server was removed.',
  'server-paused': 'Paused. Steps that call it wait until you resume it.',
  'server-resumed': 'Resumed. The steps that waited go on.',
  disconnected: 'Disconnected. Steps that need that account wait until you connect it again.',
  'signed-out': 'You are signed out.',
} as const satisfies Record<string, string>;

export type Done = keyof typeof DONE;

/** Returns the code in an address. Undefined for anything else. */
export function doneOf(said: string | undefined): Done | undefined {
  const codes = Object.keys(DONE) as Done[]; // The cast is safe: these are the keys of a constant.
  return codes.find((code) => code === said);
}

/** The address of a page that says what was done. `path` has no query. */
export function withDone(path: string, done: Done): string {
  return `${path}?said=${done}`;
}

/** Begins the page for the keyboard and for screen readers, which would not announce a message that is there at once. */
export function DoneNotice({ done }: { done: Done }) {
  return (
    <Notice kind="success" id="done" hasFocus>
      <p>{DONE[done]}</p>
    </Notice>
  );
}
