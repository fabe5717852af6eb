/** Finds a set of strings in a text. */
export interface FormSearch {
  /** The length of the longest form. */
  longest: number;
  isIn(text: string): boolean;
  /** Finds the forms from left to right, without overlaps, and of several at one place the longest. */
  findIn(text: string): Generator<{ index: number; length: number }, void>;
}

/** The characters of each form that a regular expression searches for. */
const HEAD_LENGTH = 24;
/** The characters by which the forms of a place are looked up. No form is shorter. */
const KEY_LENGTH = 6;

/**
 * Searches for the heads of the forms, and compares the rest. A regular expression of whole forms takes long to compile,
 * and is refused as too large for a few tokens of some thousand characters.
 */
export function createFormSearch(forms: readonly string[]): FormSearch {
  // The longest first: a shorter form that is part of it would leave the rest of it in the text.
  const sorted = forms.toSorted((a, b) => b.length - a.length);
  const byKey = groupByKey(sorted);
  const heads = [...new Set(sorted.map((form) => form.slice(0, HEAD_LENGTH)))];
  const anyHead = heads.length === 0 ? /(?!)/g : new RegExp(heads.map(escaped).join('|'), 'g');

  function* findIn(text: string): Generator<{ index: number; length: number }, void> {
    for (let from = 0; ; ) {
      // Set each time, because other searches may run in between.
      anyHead.lastIndex = from;
      const index = anyHead.exec(text)?.index;
      if (index === undefined) return;
      const candidates = byKey.get(text.slice(index, index + KEY_LENGTH)) ?? [];
      const length = candidates.find((form) => text.startsWith(form, index))?.length;
      if (length !== undefined) yield { index, length };
      from = index + (length ?? 1);
    }
  }

  return {
    longest: sorted[0]?.length ?? 0,
    isIn: (text) => text.search(anyHead) !== -1 && findIn(text).next().done === false,
    findIn,
  };
}

function groupByKey(forms: readonly string[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const form of forms) {
    const key = form.slice(0, KEY_LENGTH);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [form]);
    else group.push(form);
  }
  return groups;
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
