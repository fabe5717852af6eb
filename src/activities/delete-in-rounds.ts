/** Deletes a batch of rows and returns their number; 0 if nothing is left. */
export type DeleteBatch = () => Promise<number>;

/**
 * Deletes in rounds, one batch of each kind in a round, until nothing is left or `stop` aborts. The first round
 * covers every kind even after an abort: neither a backlog nor a failure of one kind blocks the others. Later rounds
 * leave out a kind that failed.
 *
 * @throws AggregateError at the end, naming each kind that failed
 */
export async function deleteInRounds<Kind extends string>(
  kinds: Record<Kind, DeleteBatch>,
  stop: AbortSignal,
): Promise<Record<Kind, number>> {
  // The casts are safe: these are the object's own keys.
  let left = Object.keys(kinds) as Kind[];
  const deleted = Object.fromEntries(left.map((kind) => [kind, 0])) as Record<Kind, number>;
  const failures: Error[] = [];
  for (let round = 1; left.length > 0; round++) {
    const unfinished: Kind[] = [];
    for (const kind of left) {
      if (round > 1 && stop.aborted) break;
      const count = await kinds[kind]().catch((cause: unknown) => {
        failures.push(new Error(`could not delete ${kind}`, { cause }));
        return 0;
      });
      deleted[kind] += count;
      if (count > 0) unfinished.push(kind);
    }
    left = stop.aborted ? [] : unfinished;
  }
  if (failures.length > 0) throw new AggregateError(failures, 'some expired rows could not be deleted');
  return deleted;
}
