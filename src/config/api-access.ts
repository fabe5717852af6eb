import { z } from 'zod';
import { type Environment, parseVariable, part, type Report, readAll, variable } from './part.ts';
import { Secret } from './secret.ts';
import { httpUrl, text } from './variables.ts';

/** How a command reaches the HTTP API, and whether it can show a page to the person at the terminal. */
export interface ApiAccess {
  api: ApiAddress;
  /** The data folder of `latchkey dev`. What `api` leaves out comes from the one that runs there. */
  dataDir: string;
  hasDisplay: boolean;
}

/** A URL never stands alone: the token of `latchkey dev` must not be sent to another server. */
export type ApiAddress =
  | { url: string; token: Secret<string> }
  | { url: undefined; token: Secret<string> | undefined };

const token = z
  .string('is required when LATCHKEY_URL is set')
  .trim()
  .regex(/^[!-~]{1,16384}$/, 'must be a token: ASCII characters without spaces')
  .transform((value) => new Secret(value));

const api = part(readApi, [
  { name: 'LATCHKEY_URL', meaning: "the API's address", unset: 'a running `latchkey dev` in this folder' },
  { name: 'LATCHKEY_TOKEN', meaning: "the user's token", unset: 'the token of that `latchkey dev`' },
]);

/** Linux has no other mark of a desktop; the other systems always have one. Windows shows what WSL opens. */
const hasDisplay = part(
  (env) =>
    process.platform !== 'linux' ||
    [env.DISPLAY, env.WAYLAND_DISPLAY, env.WSL_DISTRO_NAME].some((value) => value !== undefined),
);

/** Reads it from the environment. */
export const apiAccessSchema = readAll({
  api,
  dataDir: variable('LATCHKEY_DATA_DIR', text.default('.latchkey'), 'the data folder of `latchkey dev`'),
  hasDisplay,
});

function readApi(env: Environment, report: Report): ApiAddress {
  const url =
    env.LATCHKEY_URL === undefined ? undefined : parseVariable('LATCHKEY_URL', httpUrl, env, report);
  if (url === undefined && env.LATCHKEY_TOKEN === undefined) return { url, token: undefined };
  return { url, token: parseVariable('LATCHKEY_TOKEN', token, env, report) };
}
