import { parseArgs } from 'node:util';
import { NODES, POSTGRES_MAJORS } from './tested-versions.ts';

export interface VersionOptions {
  /** Majors of Node. */
  nodes: number[];
  /** Majors of Postgres. */
  postgres: number[];
}

export const USAGE = `npm run test:versions [-- --node <major> --postgres <major>]
  Without options: Node ${NODES.join(', ')} except the one that runs this, and Postgres ${POSTGRES_MAJORS.join(', ')}.
  With options: only those. Each option may be given several times. Other majors of Node are tried as well.`;

/** @throws on an unknown option or version */
export function readOptions(args: string[], ownNode: number): VersionOptions {
  const { values } = parseArgs({
    args,
    options: { node: { type: 'string', multiple: true }, postgres: { type: 'string', multiple: true } },
  });
  if (values.node === undefined && values.postgres === undefined) {
    return { nodes: NODES.filter((major) => major !== ownNode), postgres: POSTGRES_MAJORS };
  }
  const postgres = (values.postgres ?? []).map(toMajor);
  const unknown = postgres.find((major) => !POSTGRES_MAJORS.includes(major));
  if (unknown !== undefined) throw new Error(`there is no Postgres ${unknown} to test on`);
  return { nodes: (values.node ?? []).map(toMajor), postgres };
}

function toMajor(text: string): number {
  if (!/^\d{1,3}$/.test(text)) throw new Error(`${text} is not a major version`);
  return Number(text);
}
