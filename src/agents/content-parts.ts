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
 * Returns a tool's content as parts. Structured content is added only if there is no content: a server that sends it
 * also sends it as text.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/server/tools#structured-content
 */
export function contentParts({ content, structuredContent }: ToolResult): ModelPart[] {
  if (content.length > 0) return content.map(contentPart);
  return structuredContent === undefined
    ? [text('The tool ran and returned nothing.')]
    : [{ kind: 'json', value: structuredContent }];
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
