// What is asked of the containers that a deploy brings up.
import { sectionOf, type PolicyFile } from '#shared/compose/rules.ts';
import { LongshoreError } from '#shared/errors.ts';
import type { ServiceSpec } from '#shared/model.ts';
import type { HealthCheck } from '../health/health-check.ts';
import { planChecks } from '../health/plan-checks.ts';
import type { FoundImages } from './images.ts';
import type { Rendered } from './rendered.ts';

/** What of a task matters here. */
interface Deploying {
  run: { service: { spec: ServiceSpec } };
  deps: { policy: PolicyFile };
}

/** As far as the images are here. Throws `validation_error` by field, `exec_denied`. */
export function checksOf(task: Deploying, rendered: Rendered, images: FoundImages): HealthCheck[] {
  const { healthChecks = [] } = task.run.service.spec;
  const checks = planChecks(healthChecks, rendered, images);
  requireMayRun(task, checks);
  return checks;
}

/** Throws `exec_denied` where the host forbids what they do. */
export function requireMayRun({ run: { service }, deps: { policy } }: Deploying, checks: readonly HealthCheck[]): void {
  const section = sectionOf(service.spec);
  if (policy[section].exec || checks.every(({ probe }) => probe.type !== 'exec')) return;
  throw new LongshoreError('exec_denied', {
    details: `policy.yaml of the host: ${section}.exec is false, so a health check cannot run programs`,
  });
}
