/** Deletes a bounded part of what there is to delete; answers how many rows. 0: nothing is left. */
export type DeleteBatch = () => Promise<number>;

/**
 * Deletes in rounds, one batch of each kind after the other's, until nothing is left or `stop` is aborted. The first
 * round is for every kind, whatever it takes: neither a backlog of one nor its failure holds up the others. A kind
 * that fails is left out of the later rounds.
 *
 * @throws AggregateError at the end, naming each kind that failed
 */
export async function deleteInRounds<Kind extends string>(
  kinds: Record<Kind, DeleteBatch>,
  stop: AbortSignal,
): Promise<Record<Kind, number>> {
  // The casts are safe: it is the keys of this very object.
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
  if (failures.length > 0) throw new AggregateError(failures, 'not all that is expired could be deleted');
  return deleted;
}
