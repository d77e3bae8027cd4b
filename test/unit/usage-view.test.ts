// From a sample and a service's limits to the documented numbers.
import t from 'tap';
import type { ServiceReport, ServiceSample } from '#shared/model.ts';
import { toHealth, toResourcesDetail } from '../../control/http/views/usage.ts';

const MIB = 1024 ** 2;
const AT = Date.parse('2026-03-29T14:30:00Z');
const NO_LIMITS = { cpu: null, memoryMb: null };

const SAMPLE: ServiceSample = {
  serviceId: 'svc_abc123',
  cpuCores: 0.15004,
  memoryBytes: 128.4 * MIB,
  cpuLimitCores: 1.5,
  memoryLimitBytes: 600 * MIB,
  storageBytes: 256 * MIB,
  lastCheckAt: AT,
  consecutiveFailures: 0,
  at: AT + 5_000,
};
const REPORT: ServiceReport = {
  serviceId: 'svc_abc123',
  lifecycle: 'running',
  health: 'healthy',
  reason: null,
  revision: 1,
  containers: [],
  at: AT - 60_000,
};

t.test('cores are fractions, memory and volumes whole MiB', async (t) => {
  t.strictSame(toResourcesDetail({ limits: { cpu: 1, memoryMb: 512 }, usage: SAMPLE }), {
    cpu_usage: 0.15,
    memory_usage_mb: 128,
    memory_limit_mb: 512,
    sampled_at: '2026-03-29T14:30:05.000Z',
    cpu_limit: 1,
    storage_mb: 256,
  });
});

t.test("a service without limits shows its containers'", async (t) => {
  t.match(toResourcesDetail({ limits: NO_LIMITS, usage: SAMPLE }), { cpu_limit: 1.5, memory_limit_mb: 600 });
  const unlimited = { ...SAMPLE, cpuLimitCores: null, memoryLimitBytes: null };
  t.match(toResourcesDetail({ limits: NO_LIMITS, usage: unlimited }), { cpu_limit: null, memory_limit_mb: null });
});

t.test('before its host has spoken only the limits of a service are known', async (t) => {
  t.strictSame(toResourcesDetail({ limits: { cpu: null, memoryMb: 512 }, usage: null }), {
    cpu_usage: null,
    memory_usage_mb: null,
    memory_limit_mb: 512,
    sampled_at: null,
    cpu_limit: null,
    storage_mb: null,
  });
});

t.test('health shows the last check and how many failed in a row', async (t) => {
  const failing = { ...SAMPLE, consecutiveFailures: 3 };
  t.strictSame(toHealth({ health: 'unhealthy', usage: failing, report: REPORT }), {
    status: 'unhealthy',
    last_check: '2026-03-29T14:30:00.000Z',
    consecutive_failures: 3,
  });
});

t.test('without a health check, when the host last told of the containers', async (t) => {
  const unchecked = { ...SAMPLE, lastCheckAt: null, consecutiveFailures: null };
  t.match(toHealth({ health: 'healthy', usage: unchecked, report: REPORT }), {
    last_check: '2026-03-29T14:30:05.000Z',
    consecutive_failures: 0,
  });
  t.match(toHealth({ health: 'unhealthy', usage: null, report: REPORT }), {
    last_check: '2026-03-29T14:29:00.000Z',
    consecutive_failures: null,
  });
  t.match(toHealth({ health: 'unknown', usage: null, report: null }), { last_check: null });
});
