/**
 * Latchkey's side of the Nexus service `latchkey`: starts the workflows that the operations name. What callers import
 * is in `contracts/latchkey-service.ts`.
 *
 * @see https://docs.temporal.io/develop/typescript/nexus
 */
import { type ServiceHandler, serviceHandler } from 'nexus-rpc';
import { latchkeyService } from '../contracts/latchkey-service.ts';
import { listToolsHandler } from './list-tools.ts';
import type { OperationDependencies } from './operation-dependencies.ts';
import { runStepHandler } from './run-step.ts';

export function createNexusServices(deps: OperationDependencies): ServiceHandler[] {
  const handlers = { runStep: runStepHandler(deps), listTools: listToolsHandler(deps) };
  return [serviceHandler(latchkeyService, handlers)];
}
