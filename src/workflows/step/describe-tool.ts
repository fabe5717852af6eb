import type { DescribeToolOutcome } from '../../contracts/activities.ts';
import type { Step } from './step.ts';
import { describeTool as describeToolActivity } from './step-activities.ts';

/** Asks a trusted server what it says of the tool; an untrusted one is not asked. */
export async function describeTool({ plan, progress }: Step): Promise<DescribeToolOutcome> {
  const { userId, mcpServerId, tool } = plan;
  const { justRenewed } = progress;
  return describeToolActivity({
    userId,
    mcpServerId,
    tool,
    ...(justRenewed !== undefined && { justRenewed }),
  });
}
