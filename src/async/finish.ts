/** Does all the pieces of some work at once and returns its result. */
export function finish<T>(pieces: Iterator<unknown, T>): T {
  for (;;) {
    const piece = pieces.next();
    if (piece.done) return piece.value;
  }
}
