/** What each file imports, by paths. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>;

/**
 * The files that import each other in a circle, of types too. Each is a list of paths.
 *
 * @see https://doi.org/10.1137/0201010 (Tarjan's strongly connected components)
 */
export function importCircles(graph: ImportGraph): string[][] {
  const circles: string[][] = [];
  const indexOf = new Map<string, number>();
  const lowest = new Map<string, number>();
  const path: string[] = [];

  function visit(file: string): number {
    const index = indexOf.size;
    indexOf.set(file, index);
    lowest.set(file, index);
    path.push(file);
    for (const imported of graph.get(file) ?? []) {
      const reached = indexOf.has(imported) ? indexOnPath(imported) : visit(imported);
      lowest.set(file, Math.min(lowestOf(file), reached));
    }
    if (lowestOf(file) === index) close(file);
    return lowestOf(file);
  }

  function indexOnPath(file: string): number {
    return path.includes(file) ? (indexOf.get(file) ?? 0) : Number.POSITIVE_INFINITY;
  }

  function lowestOf(file: string): number {
    return lowest.get(file) ?? Number.POSITIVE_INFINITY;
  }

  function close(file: string): void {
    const circle = path.splice(path.indexOf(file));
    if (circle.length > 1 || graph.get(file)?.includes(file)) circles.push(circle.sort());
  }

  for (const file of graph.keys()) if (!indexOf.has(file)) visit(file);
  return circles;
}
