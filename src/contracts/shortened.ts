/** Cuts a text of more than `maxCharacters` code points. The last one is an ellipsis then. */
export function shortened(text: string, maxCharacters: number): string {
  const characters = [...text];
  return characters.length <= maxCharacters ? text : `${characters.slice(0, maxCharacters - 1).join('')}…`;
}
