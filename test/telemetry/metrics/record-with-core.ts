/** Records one of each metric with the meter of a Runtime that exports to Prometheus, as another program does. */
import { Runtime } from '@temporalio/worker';
import { createMetrics } from '../../../src/telemetry/metrics/metrics.ts';
import { createTemporalMeter } from '../../../src/telemetry/metrics/temporal-meter.ts';

const prometheus = { bindAddress: `127.0.0.1:${process.env.PORT}` };
Runtime.install({ shutdownSignals: [], telemetryOptions: { metrics: { prometheus } } });
const metrics = createMetrics(createTemporalMeter(Runtime.instance().metricMeter));
metrics.called('ledger', 'success', 0.2);
metrics.renewed('ledger', 'renewed', 0.2);
metrics.deposited('ledger');
metrics.resumed('needs-oauth-reauth', 3_600);
metrics.waiting({ 'needs-approval': 3 });
metrics.connected(2);
metrics.answered('/steps', 200, 0.1);
console.log('recorded');
setInterval(() => {}, 1_000);
