/**
 * The JSON of a history without what only its recorder's machine knew: identities (`pid@host`) and stack traces.
 * Replaying reads neither, and histories are published.
 */
export function withoutMachine(json: string): string {
  return json
    .replaceAll(/\b\d+@[\w.-]+/g, 'recorder')
    .replaceAll(/"stackTrace": "(?:[^"\\]|\\.)*"/g, '"stackTrace": ""');
}

const MACHINE_PATHS = [
  /file:\/\/\S*/g,
  // Of a file of a program, wherever it stands.
  /(?<![\w.:/~-])\/(?:[\w@.+-]+\/)+[\w@.+-]+\.[cm]?[jt]sx?\b/g,
  // In a place that machines have.
  /(?<![\w.:/+=~-])\/(?:builds|home|mnt|opt|private|root|srv|tmp|Users|usr|var|work|workspace)\/[\w@.+-]+/g,
  /(?<!\w)[A-Za-z]:[\\/]+[\w@.+-]+/g,
];
const BASE64 = /^[A-Za-z0-9+/]{8,}={0,2}$/;

/** Every absolute path of a machine that a history holds, also inside of its payloads. */
export function machinePathsIn(json: string): string[] {
  const texts = stringsOf(JSON.parse(json)).flatMap((text) =>
    BASE64.test(text) ? [text, Buffer.from(text, 'base64').toString()] : [text],
  );
  return texts.flatMap((text) => MACHINE_PATHS.flatMap((path) => text.match(path) ?? []));
}

function stringsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => [name, ...stringsOf(member)]);
}
