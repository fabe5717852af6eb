/** What a browser shows in a page, by media type, with the extension of a file. No type here can hold a script. */
const IMAGES: ReadonlyMap<string, string> = new Map([
  ['image/png', 'png'],
  ['image/jpeg', 'jpg'],
  ['image/gif', 'gif'],
  ['image/webp', 'webp'],
  ['image/avif', 'avif'],
]);

const AUDIO: ReadonlyMap<string, string> = new Map([
  ['audio/mpeg', 'mp3'],
  ['audio/mp4', 'm4a'],
  ['audio/aac', 'aac'],
  ['audio/ogg', 'ogg'],
  ['audio/wav', 'wav'],
  ['audio/webm', 'weba'],
  ['audio/flac', 'flac'],
]);

/** Other names of these types. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['image/jpg', 'image/jpeg'],
  ['audio/mp3', 'audio/mpeg'],
  ['audio/x-wav', 'audio/wav'],
  ['audio/wave', 'audio/wav'],
  ['audio/x-m4a', 'audio/mp4'],
]);

interface SafeMedia {
  kind: 'image' | 'audio';
  /** One of the types above, without parameters, whatever the server wrote. */
  type: string;
  extension: string;
}

/** Returns undefined for a type that is only offered for download. */
export function safeMedia(mimeType: unknown): SafeMedia | undefined {
  if (typeof mimeType !== 'string') return undefined;
  const essence = mimeType.slice(0, 200).split(';')[0]?.trim().toLowerCase() ?? '';
  const type = ALIASES.get(essence) ?? essence;
  const image = IMAGES.get(type);
  if (image !== undefined) return { kind: 'image', type, extension: image };
  const audio = AUDIO.get(type);
  return audio === undefined ? undefined : { kind: 'audio', type, extension: audio };
}
