import type { Client } from '@temporalio/client';
import type { Logger } from '../logging/logger.ts';

export interface OperationDependencies {
  client: Client;
  taskQueue: string;
  logger: Logger;
}
