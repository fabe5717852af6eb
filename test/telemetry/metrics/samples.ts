/** The samples of a scrape, by name and labels as they are written there. */
export function samplesOf(scrape: string): Map<string, number> {
  const lines = scrape.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

/** The names of the metrics that a scrape describes. */
export function metricsOf(scrape: string): Set<string> {
  return new Set(Array.from(scrape.matchAll(/^# TYPE (\S+) /gm), ([, name = '']) => name));
}
