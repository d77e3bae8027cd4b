// What the system itself consists of, as the app layer offers it: four parts of the control plane, and the agents. Not
// for callers that are bound to a customer; who is bound to hosts sees their agents.
import type { ScheduleRunRecord } from './schedules.ts';
import type { Caller } from './caller.ts';
import type { Host, HostEvent } from './hosts.ts';
import type { Page, Paging } from './page.ts';
import type { ControlFigures } from './metrics.ts';

export const SYSTEM_PARTS = ['control_plane', 'job_processor', 'scheduler', 'database'] as const;
export type SystemPartName = (typeof SYSTEM_PARTS)[number];

export interface SystemPart {
  name: SystemPartName;
  /** Why it does not do all that it should; null: it does. */
  trouble: string | null;
  /** When this control plane was set up. */
  createdAt: number;
  startedAt: number;
}

/** Of the process that all parts of the control plane run in. */
export interface ProcessFigures {
  startedAt: number;
  /** Of one core, since about a minute. */
  cpuPercent: number;
  memoryBytes: number;
  heapBytes: number;
  /** How late the event loop comes to what is due. */
  loopLagMs: number;
}

export interface DatabaseFigures {
  createdAt: number;
  fileBytes: number;
  /** What was written and not yet brought into the file. */
  walBytes: number;
}

export interface SchedulerFigures {
  schedules: number;
  enabled: number;
  /** The last ones, the newest first. */
  failedRuns: ScheduleRunRecord[];
}

/** What went wrong, as the log has it. */
export interface Trouble {
  level: 'warning' | 'error';
  message: string;
  /** Of an error with one. */
  code: string | null;
  at: number;
}

/** All that is known of a part now. */
export interface SystemHealth extends SystemPart {
  process: ProcessFigures;
  database: DatabaseFigures & { writeMs: number };
  control: ControlFigures;
  scheduler: SchedulerFigures;
  failedJobs: { message: string; at: number }[];
  /** The newest first. */
  troubles: Trouble[];
}

export interface SystemServices {
  /** Empty for who does not see them. Takes a small write, to see that one can be made. */
  parts(caller: Caller): Promise<SystemPart[]>;
  /** Undefined for no part, and for who does not see it. */
  findHealth(caller: Caller, name: string): Promise<SystemHealth | undefined>;
  /** By name. */
  agents(caller: Caller, paging: Paging): Page<Host>;
  findAgent(caller: Caller, hostId: string): { host: Host; events: HostEvent[] } | undefined;
}
