import type { OperatorConfig } from './config.ts';
import type { Logger } from './logger.ts';
import { type ForgetOptions, type Forgotten, forgetUser } from './offboarding/forget-user.ts';
import { withOperatorConnections } from './operator-connections.ts';
import { createCredentialWorkflows } from './steps/credential-workflows.ts';

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
