import { cpus, totalmem } from 'node:os';
import type { About } from './report/figures.ts';
import { rounded } from './statistics.ts';
import type { World } from './world.ts';

export async function machineOf({ client, pool }: World, loadBefore: number): Promise<About['machine']> {
  const { rows } = await pool.query<{ server_version: string }>('SHOW server_version');
  const { serverVersion } = await client.workflowService.getSystemInfo({});
  return {
    cores: cpus().length,
    cpu: cpus()[0]?.model ?? 'unknown',
    memoryGiB: rounded(totalmem() / 2 ** 30, 1),
    platform: `${process.platform} ${process.arch}`,
    node: process.versions.node,
    temporal: serverVersion,
    postgres: rows[0]?.server_version ?? 'unknown',
    loadBefore: rounded(loadBefore, 2),
  };
}
