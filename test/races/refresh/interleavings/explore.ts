import { aftermathOf, isQuiet } from './aftermath.ts';
import { keyOf, type State } from './state.ts';
import { type Step, stepsFrom, type World } from './steps.ts';
import { knowing } from './unknown-yet.ts';

export interface Exploration {
  states: number;
  steps: number;
  /** Quiet states, in each of which a latecomer has looked whether all is well. */
  ends: number;
  /** Ends with a grant that nobody could have saved, by what its user is told. */
  losses: Record<string, number>;
  /** Of the longest schedule. */
  longest: number;
  /** The shortest schedule at whose end something is wrong. */
  failure?: { wrong: string; schedule: string[] };
  /** The shortest schedules to a loss, by what the user is told. */
  lossSchedules: Record<string, string[]>;
}

/** Goes through all schedules, the shortest first, and meets every state once. */
export async function explore(world: World, start: State): Promise<Exploration> {
  const ids = new Map([[keyOf(start), 0]]);
  const cameFrom: number[] = [-1];
  const labels: string[] = [''];
  const edges: [from: number, to: number][] = [];
  const losses: Record<string, number> = {};
  const lossSchedules: Record<string, string[]> = {};
  let ends = 0;
  let frontier: [number, State][] = [[0, start]];

  const scheduleTo = (id: number): string[] => {
    const schedule: string[] = [];
    for (let at = id; at > 0; at = cameFrom[at] ?? 0) schedule.unshift(labels[at] ?? '');
    return schedule;
  };
  const exploration = (failure?: Exploration['failure']): Exploration => {
    const result = { states: ids.size, steps: edges.length, ends, losses, lossSchedules };
    if (failure) return { ...result, longest: 0, failure };
    const longest = longestPath(ids.size, edges);
    if (typeof longest === 'number') return { ...result, longest };
    const wrong = 'a schedule comes back to where it was';
    return { ...result, longest: 0, failure: { wrong, schedule: scheduleTo(longest.through) } };
  };

  while (frontier.length > 0) {
    const next: [number, State][] = [];
    for (const [id, state] of frontier) {
      if (isQuiet(state)) {
        ends += 1;
        const { wrong, lost } = await knowing(() => aftermathOf(world, state));
        if (wrong !== undefined) return exploration({ wrong, schedule: scheduleTo(id) });
        if (lost !== undefined) {
          losses[lost] = (losses[lost] ?? 0) + 1;
          lossSchedules[lost] ??= scheduleTo(id);
        }
      }
      for (const step of await knowing(() => stepsFrom(world, state))) {
        const wrong = step.wrong ?? restless(state, step);
        if (wrong !== undefined) {
          return exploration({ wrong, schedule: [...scheduleTo(id), step.label] });
        }
        const key = keyOf(step.state);
        let to = ids.get(key);
        if (to === undefined) {
          to = ids.size;
          ids.set(key, to);
          cameFrom.push(id);
          labels.push(step.label);
          next.push([to, step.state]);
        }
        if (to !== id) edges.push([id, to]);
      }
    }
    frontier = next;
  }
  return exploration();
}

// A state that time does not change: whoever runs in it waits for ever.
function restless(state: State, { state: next }: Step): string | undefined {
  if (keyOf(state) !== keyOf(next)) return undefined;
  const isWaiting = state.processes.some(({ life, call }) => life === 'running' && call && !call.stalled);
  return isWaiting ? 'a renewal sleeps for ever' : undefined;
}

/** Of a graph without cycles; or a node that lies on a cycle, or behind one. */
function longestPath(nodes: number, edges: readonly [number, number][]): number | { through: number } {
  const into = new Int32Array(nodes);
  const begin = new Int32Array(nodes + 1);
  for (const [from, to] of edges) {
    into[to] = (into[to] ?? 0) + 1;
    begin[from + 1] = (begin[from + 1] ?? 0) + 1;
  }
  for (let node = 0; node < nodes; node += 1) begin[node + 1] = (begin[node + 1] ?? 0) + (begin[node] ?? 0);
  const fill = begin.slice();
  const targets = new Int32Array(edges.length);
  for (const [from, to] of edges) {
    targets[fill[from] ?? 0] = to;
    fill[from] = (fill[from] ?? 0) + 1;
  }
  const length = new Int32Array(nodes);
  const ready = [0];
  let done = 0;
  let longest = 0;
  for (let node = ready.pop(); node !== undefined; node = ready.pop()) {
    done += 1;
    longest = Math.max(longest, length[node] ?? 0);
    for (let edge = begin[node] ?? 0; edge < (begin[node + 1] ?? 0); edge += 1) {
      const to = targets[edge] ?? 0;
      length[to] = Math.max(length[to] ?? 0, (length[node] ?? 0) + 1);
      into[to] = (into[to] ?? 0) - 1;
      if (into[to] === 0) ready.push(to);
    }
  }
  if (done === nodes) return longest;
  return { through: into.findIndex((count) => count > 0) };
}
