// The fleet at a glance, for a monitoring system that asks every few seconds.
import type { JobState } from '#shared/jobs.ts';
import type { Caller } from './caller.ts';
import type { Host } from './hosts.ts';
import type { Page } from './page.ts';
import type { Service } from './services.ts';

/** The control plane itself. */
export interface ControlFigures {
  agentsConnected: number;
  /** Jobs that have not ended. */
  jobs: Partial<Record<JobState, number>>;
  /** Calls of webhooks that have not arrived. */
  deliveriesWaiting: number;
}

export interface FleetFigures {
  /** Those that the caller may see, the first of them by name; `total` counts all. */
  hosts: Page<Host>;
  services: Page<Service>;
  /** Null for a caller that sees only a part of the fleet. */
  control: ControlFigures | null;
}

export interface Metrics {
  /** Throws `forbidden` without services.read. */
  collect(caller: Caller): FleetFigures;
}
