/**
 * For each promise of a workflow, the SDK formats a stack trace of up to `Error.stackTraceLimit` calls and keeps it while
 * the promise is pending. A step has dozens. Without them, a worker needs about a tenth less CPU for a step, and about
 * a quarter less of Node's heap for a paused one (docs/decisions/0010-stack-traces.md).
 *
 * This applies to all workflows of a worker thread, because they share `Error`. So only `latchkey worker` has it, which
 * runs no other workflows, and not what `latchkey/workflow` exports. The worker loads it before the SDK freezes `Error`.
 *
 * @see https://v8.dev/docs/stack-trace-api
 */
Error.stackTraceLimit = 0;
