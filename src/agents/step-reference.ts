import { stepUrl } from '../contracts/urls.ts';

/** Where the user finds a step that the model is told about. */
export interface StepReference {
  stepId: string;
  /** The address that users' browsers reach. Without it the model gets the step id alone. */
  publicUrl?: string;
}

/** Returns the address of a step's page, which holds no secret; undefined without `publicUrl`. */
export function stepPage({ publicUrl, stepId }: StepReference): string | undefined {
  return publicUrl === undefined ? undefined : stepUrl(publicUrl.replace(/\/+$/, ''), stepId);
}
