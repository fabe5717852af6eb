import type { ToolResult } from '../contracts/step.ts';
import { printable, printableLines } from './table.ts';

/** A tool's result as text: its texts, else its structured content. What is not text is named. */
export function resultText({ content, structuredContent, warnings = [] }: ToolResult): string {
  const texts = content.map(blockText);
  const shown = texts.length > 0 || structuredContent === undefined ? texts : [json(structuredContent)];
  return [...shown, ...warnings.map((warning) => `Warning: ${printable(warning)}`)].join('\n');
}

/** MCP 2025-11-25, server/tools#tool-result. */
function blockText(block: unknown): string {
  if (typeof block !== 'object' || block === null || !('type' in block)) return printable(json(block));
  if (block.type === 'text' && 'text' in block) return printableLines(String(block.text));
  const mimeType = 'mimeType' in block ? ` ${String(block.mimeType)}` : '';
  const data = 'data' in block ? `, ${String(block.data).length} characters of base64` : '';
  const uri = 'uri' in block ? ` ${String(block.uri)}` : '';
  return printable(`[${String(block.type)}${mimeType}${uri}${data}]`);
}

function json(value: unknown): string {
  return printableLines(JSON.stringify(value, null, 2) ?? '');
}
