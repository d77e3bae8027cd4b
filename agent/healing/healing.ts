// Self-healing of the host's services: its parts put together.
import type { Scope } from '#shared/lifecycle.ts';
import type { Logger } from '#shared/log.ts';
import type { Clock } from '#shared/time.ts';
import { graceMsOf } from '../deploy/rendered.ts';
import { loadRevision } from '../deploy/revisions/revisions.ts';
import { Workspace } from '../deploy/workspace.ts';
import type { Engine } from '../docker/engine.ts';
import type { EventHub } from '../docker/events.ts';
import type { LocalJobs } from '../jobs/local-jobs.ts';
import type { JobRunner } from '../jobs/runner.ts';
import type { AgentState } from '../state/open.ts';
import type { ServiceWatch } from '../watch.ts';
import { Healer } from './healer.ts';
import { HEALING_LIMITS, type HealingLimits } from './limits.ts';
import { startRevival } from './revival.ts';

export interface HealingDeps {
  dataDir: string;
  state: AgentState;
  engine: Engine;
  hub: Pick<EventHub, 'subscribe'>;
  watch: ServiceWatch;
  runner: JobRunner;
  jobs: LocalJobs;
  limits?: HealingLimits | undefined;
  clock: Clock;
  log: Logger;
}

export function startHealing(deps: HealingDeps, scope: Scope): void {
  const { dataDir, hub, watch, limits = HEALING_LIMITS } = deps;
  const graceOf = async (project: string, service: string) => {
    const rendered = await new Workspace(dataDir, project).loadRendered();
    return graceMsOf(rendered?.services[service] ?? {});
  };
  const finishedOf = async (project: string, revision: number) =>
    (await loadRevision(new Workspace(dataDir, project), revision))?.meta.finished ?? [];
  const touch = (serviceId: string) => watch.touch(serviceId);
  const healer = new Healer({ ...deps, graceOf, touch, limits }, scope);
  watch.onLook((service, containers) => healer.see(service, containers));
  const settle = (isSettled: boolean) => {
    healer.isSettled = isSettled;
    if (isSettled) watch.touchAll();
  };
  const unsubscribe = hub.subscribe('*', (signal) => {
    if (signal.kind === 'event') healer.hear(signal.event);
  });
  scope.onStop('healing events', unsubscribe);
  startRevival({ ...deps, finishedOf, settle }, scope);
}
