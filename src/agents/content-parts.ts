import type { ToolResult } from '../contracts/step.ts';

/** One piece of what the model sees. */
export type ModelPart =
  | { kind: 'text'; text: string }
  /** An image, a sound or another file, in base64. */
  | { kind: 'media'; mimeType: string; data: string }
  | { kind: 'json'; value: unknown };

export function text(words: string): ModelPart {
  return { kind: 'text', text: words };
}

/**
 * Returns a tool's content as parts. Structured content is added, unless it is also there as text: servers should send
 * it so, and many send a summary instead, such as "3 invoices".
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/server/tools#structured-content
 */
export function contentParts({ content, structuredContent }: ToolResult): ModelPart[] {
  const parts = content.map(contentPart);
  if (structuredContent !== undefined && !isShown(structuredContent, parts)) {
    parts.push({ kind: 'json', value: structuredContent });
  }
  return parts.length > 0 ? parts : [text('The tool ran and returned nothing.')];
}

// Where the order of the members differs, the model sees them twice. A server decides how many parts there are, and the
// agent's thread is shared: the value is serialized once, and all texts that are parsed are together as long as the result.
function isShown(value: unknown, parts: readonly ModelPart[]): boolean {
  const json = JSON.stringify(value);
  return parts.some(
    (part) => part.kind === 'text' && part.text.length >= json.length && isJson(part.text, json),
  );
}

function isJson(words: string, json: string): boolean {
  if (!words.trimStart().startsWith('{')) return false;
  try {
    return JSON.stringify(JSON.parse(words)) === json;
  } catch {
    return false;
  }
}

// The shape of content is the server's word: what does not fit is shown as JSON.
function contentPart(item: unknown): ModelPart {
  const fields = fieldsOf(item);
  const { data, mimeType } = fields;
  switch (fields.type) {
    case 'text':
      return typeof fields.text === 'string' ? text(fields.text) : { kind: 'json', value: item };
    case 'image':
    case 'audio':
      return mediaPart(data, mimeType) ?? { kind: 'json', value: item };
    case 'resource':
      return resourcePart(fieldsOf(fields.resource)) ?? { kind: 'json', value: item };
    default:
      // Also links to resources, whose name, description and address are short.
      return { kind: 'json', value: item };
  }
}

function resourcePart({ uri, text: words, blob, mimeType }: Fields): ModelPart | undefined {
  if (typeof words === 'string') return text(`${String(uri)}:\n${words}`);
  return mediaPart(blob, mimeType ?? 'application/octet-stream');
}

function mediaPart(data: unknown, mimeType: unknown): ModelPart | undefined {
  if (typeof data !== 'string' || data === '' || typeof mimeType !== 'string') return undefined;
  return { kind: 'media', mimeType, data };
}

type Fields = Partial<Record<'type' | 'text' | 'data' | 'mimeType' | 'resource' | 'uri' | 'blob', unknown>>;

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? value : {};
}
