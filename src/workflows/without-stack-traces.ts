/**
 * For each promise of a workflow, the SDK formats a stack trace of up to `Error.stackTraceLimit` calls and keeps it while
 * the promise is pending. A step has dozens. docs/decisions/0010-stack-traces.md has what the traces cost.
 *
 * `Error` is shared by all workflows of a worker thread, and `latchkey worker` runs no others than Latchkey's. So its
 * bundle has this module, and `latchkey/workflow` does not. It is loaded before the SDK freezes `Error`.
 *
 * @see https://v8.dev/docs/stack-trace-api
 */
Error.stackTraceLimit = 0;
