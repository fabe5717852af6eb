import { safeMedia } from './media-types.ts';

/**
 * One block of a tool's answer, as far as it is known.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/server/tools#tool-result
 */
export type ContentBlock =
  | { kind: 'text'; text: string }
  | { kind: 'image' | 'audio'; type: string; data: string }
  /** Bytes that are only offered for download. */
  | { kind: 'bytes'; data: string; mimeType?: string; uri?: string }
  | { kind: 'link'; uri: string; name?: string; description?: string; mimeType?: string }
  /** The text of an embedded resource. */
  | { kind: 'resource'; text: string; uri?: string; mimeType?: string }
  | { kind: 'other'; value: unknown };

/** Reads a block of any shape: a server may send anything. */
export function contentBlock(block: unknown): ContentBlock {
  const fields = fieldsOf(block);
  switch (fields.type) {
    case 'text':
      return typeof fields.text === 'string' ? { kind: 'text', text: fields.text } : other(block);
    case 'image':
    case 'audio':
      return typeof fields.data === 'string' ? mediaOf(fields.data, fields.mimeType) : other(block);
    case 'resource_link':
      return linkOf(fields) ?? other(block);
    case 'resource':
      return resourceOf(fieldsOf(fields.resource)) ?? other(block);
    default:
      return other(block);
  }
}

/** Decodes base64, also over several lines. Returns undefined for invalid base64. RFC 4648 §4. */
export function decodeBase64(text: string): Buffer | undefined {
  const compact = text.replace(/[\r\n\t ]+/g, '');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(compact) || compact.replace(/=+$/, '').length % 4 === 1)
    return undefined;
  return Buffer.from(compact, 'base64');
}

function mediaOf(data: string, mimeType: unknown, uri?: string): ContentBlock {
  const media = safeMedia(mimeType);
  if (media !== undefined) return { kind: media.kind, type: media.type, data };
  return {
    kind: 'bytes',
    data,
    ...(typeof mimeType === 'string' && { mimeType }),
    ...(uri !== undefined && { uri }),
  };
}

function linkOf({ uri, name, title, description, mimeType }: Fields): ContentBlock | undefined {
  if (typeof uri !== 'string') return undefined;
  const shown = textOrNone(title) ?? textOrNone(name);
  return {
    kind: 'link',
    uri,
    ...(shown !== undefined && { name: shown }),
    ...(typeof description === 'string' && { description }),
    ...(typeof mimeType === 'string' && { mimeType }),
  };
}

function resourceOf({ uri, mimeType, text, blob }: Fields): ContentBlock | undefined {
  const from = typeof uri === 'string' ? uri : undefined;
  if (typeof blob === 'string') return mediaOf(blob, mimeType, from);
  if (typeof text !== 'string') return undefined;
  return {
    kind: 'resource',
    text,
    ...(from !== undefined && { uri: from }),
    ...(typeof mimeType === 'string' && { mimeType }),
  };
}

type Fields = Readonly<Record<string, unknown>>;

function other(value: unknown): ContentBlock {
  return { kind: 'other', value };
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function textOrNone(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value : undefined;
}
