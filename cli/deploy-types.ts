// Plans of deploys and revisions, as far as the commands read them.
import type { JobKind, PlanStep } from '#shared/model.ts';

interface FieldChange {
  field: string;
  before: string | null;
  after: string | null;
}

/** What a deploy would do. */
export interface DeployPlan {
  /** Null for a service that is not there yet. */
  plan_id: string | null;
  deploys: boolean;
  services: (PlanStep & { fields: FieldChange[] })[];
  images: { reference: string; source: string }[];
  volumes: { name: string; action: string }[];
  downtime: { services: string[] };
  findings: { path: string; rule: string; message: string }[];
  preflight: { state: string; message: string }[];
}

export interface Revision {
  revision: number;
  current: boolean;
  recorded_at: string;
  kind: JobKind | null;
  made_by: string | null;
  cause: string | null;
  rollback_of: number | null;
  commit: string | null;
  images: { reference: string }[];
}

export interface RevisionDetail extends Revision {
  compose: string;
}

export interface RevisionDiff {
  services: { service: string; change: string; fields: FieldChange[] }[];
}
