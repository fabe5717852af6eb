import type { ToolAnnotations, ToolDescription } from '../../contracts/step.ts';
import { shortText } from '../short-text.ts';

const MAX_NAME = 120;
const MAX_SUMMARY = 240;

/** What a tool is called. */
export function toolTitle({ name, title, annotations }: ToolDescription): string {
  const given = [title, annotations?.title, name].find((text) => text?.trim());
  return shortText(given ?? 'Unnamed tool', MAX_NAME);
}

/** The beginning of a tool's description, for a list. */
export function toolSummary({ description = '' }: ToolDescription): string {
  const [paragraph = ''] = description
    .trim()
    .slice(0, MAX_SUMMARY * 2)
    .split(/\n\s*\n/, 1);
  return shortText(paragraph, MAX_SUMMARY);
}

/** What a call does, as far as a trusted server says it. */
export function effectOf(
  annotations: ToolAnnotations | undefined,
): { words: string; isRisky: boolean } | undefined {
  if (annotations?.readOnlyHint === true) return { words: 'Only reads', isRisky: false };
  if (annotations?.destructiveHint === true) return { words: 'May overwrite or delete', isRisky: true };
  if (annotations?.readOnlyHint === false) return { words: 'Makes changes', isRisky: true };
  return undefined;
}

/** The tools in whose name, title or description all words of the search are. */
export function searchTools<T extends ToolDescription>(tools: readonly T[], search: string): T[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return tools.filter(({ name, title = '', description = '' }) => {
    const text = `${name} ${title} ${description}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}
