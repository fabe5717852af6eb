/** Finds a set of strings in a text. */
export interface FormSearch {
  /** No form is longer. */
  longest: number;
  isIn(text: string): boolean;
  /** Finds the forms from left to right, without overlaps, and of several at one place the longest. */
  findIn(text: string): Generator<{ index: number; length: number }, void>;
}

/** The strings that a search finds. */
export interface SearchedForms {
  /** How the forms begin. */
  heads: Iterable<string>;
  /** No form is longer. */
  longest: number;
  /** All forms. Called once a head is found: most texts hold none, and all forms of a long secret take milliseconds. */
  all(): string[];
}

/** The characters by which the forms of a place are looked up. No form is shorter. */
const KEY_LENGTH = 6;
/** Up to so many characters, a search for each head alone takes less time than compiling the pattern of all. */
const SHORT_TEXT = 2_048;

/**
 * Searches for the heads of the forms, and compares the rest. A regular expression of whole forms takes long to compile,
 * and is refused as too large for a few tokens of some thousand characters.
 */
export function createFormSearch({ heads, longest, all }: SearchedForms): FormSearch {
  const distinct = [...new Set(heads)];
  let compiled: RegExp | undefined;
  let byKey: Map<string, string[]> | undefined;

  function formsAt(key: string): string[] {
    // The longest first: a shorter form that is part of it would leave the rest of it in the text.
    byKey ??= groupByKey(all().toSorted((a, b) => b.length - a.length));
    return byKey.get(key) ?? [];
  }

  // Compiled once it is needed: that takes longer than the search of some short texts.
  function anyHead(): RegExp {
    compiled ??= distinct.length === 0 ? /(?!)/g : new RegExp(distinct.map(escaped).join('|'), 'g');
    return compiled;
  }

  function hasHead(text: string): boolean {
    if (text.length <= SHORT_TEXT) return distinct.some((head) => text.includes(head));
    return text.search(anyHead()) !== -1;
  }

  function* findIn(text: string): Generator<{ index: number; length: number }, void> {
    const pattern = anyHead();
    for (let from = 0; ; ) {
      // Set each time, because other searches may run in between.
      pattern.lastIndex = from;
      const index = pattern.exec(text)?.index;
      if (index === undefined) return;
      const candidates = formsAt(text.slice(index, index + KEY_LENGTH));
      const length = candidates.find((form) => text.startsWith(form, index))?.length;
      if (length !== undefined) yield { index, length };
      from = index + (length ?? 1);
    }
  }

  return {
    longest,
    isIn: (text) => hasHead(text) && findIn(text).next().done === false,
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
