/** The text of a page, or of a part of it, as a reader sees it in one line. Entities stay as they are. */
export function textOf(html = ''): string {
  return html
    .replace(/<head>[\s\S]*<\/head>/, '')
    .replace(/<(?:"[^"]*"|[^>"])*>/g, ' ')
    .replace(/\s+/g, ' ')
    .replace(/ ([,.])/g, '$1')
    .trim();
}

/** The text of the page's `main`. */
export function mainTextOf(html: string): string {
  return textOf(html.replace(/[\s\S]*<main\b/, '<main'));
}

/** The text with its entities as the characters that they stand for. */
export function readableTextOf(html: string): string {
  return textOf(html).replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => ENTITIES[name] ?? '');
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };
