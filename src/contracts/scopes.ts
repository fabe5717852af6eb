/** OAuth scopes as one text, separated by spaces. @see https://www.rfc-editor.org/rfc/rfc6749#section-3.3 */

/** Returns the scopes of a text; none if there is no text. */
export function splitScopes(text: string | null | undefined): string[] {
  return (text ?? '').split(' ').filter((scope) => scope !== '');
}

export function hasScope(text: string | null | undefined, scope: string): boolean {
  return splitScopes(text).includes(scope);
}

/** Whether a text is one or more scopes, separated by one space each. */
export function isScopeList(text: string): boolean {
  return /^[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*$/.test(text);
}
