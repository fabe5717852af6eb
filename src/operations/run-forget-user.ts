import type { OperatorConfig } from '../config/load-config.ts';
import { createCredentialWorkflows } from '../credentials/credential-workflows.ts';
import type { Logger } from '../logging/logger.ts';
import { type ForgetOptions, type Forgotten, forgetUser } from './forget-user.ts';
import { withOperatorConnections } from './operator-connections.ts';

/** `latchkey users forget`. Temporal may be down. */
export function runForgetUser(
  config: OperatorConfig,
  logger: Logger,
  userId: string,
  options: ForgetOptions,
): Promise<Forgotten> {
  return withOperatorConnections(config, logger, ({ pool, client }) => {
    const workflows = createCredentialWorkflows({ client, taskQueue: config.taskQueue, logger });
    return forgetUser({ pool, client, workflows }, userId, options);
  });
}
