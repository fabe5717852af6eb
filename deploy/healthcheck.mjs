// Ends with 0 if the process of this container is healthy: a server answers at PORT, a worker at METRICS_PORT. A worker
// without METRICS_PORT can't be asked, and counts as unhealthy.
const { PORT = '3000', METRICS_PORT } = process.env;

for (const port of [PORT, METRICS_PORT].filter(Boolean)) {
  const status = await statusAt(port);
  if (status !== undefined) process.exit(status === 200 ? 0 : 1);
}
process.exit(1);

async function statusAt(port) {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/health`, { signal: AbortSignal.timeout(4_000) });
    return response.status;
  } catch {
    return undefined;
  }
}
