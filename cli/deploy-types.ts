// Plans of deploys and revisions, as far as the commands read them.
import type { JobKind, PlanStep } from '#shared/jobs.ts';

interface FieldChange {
  field: string;
  before: string | null;
  after: string | null;
}

/** What a deploy would do to what is there. */
export interface PlannedDeploy {
  commit: string | null;
  services: (PlanStep & { fields: FieldChange[] })[];
  images: { reference: string; source: string; download_bytes?: number | null }[];
  volumes: { name: string; action: string }[];
  downtime: { services: string[] };
  findings: { path: string; rule: string; message: string }[];
  preflight: { state: string; message: string }[];
}

export interface AiProposal {
  variables: { name: string; value: string | null; given: boolean }[];
  port: number | null;
  health_path: string | null;
  reasons: string[];
}

/** What a change or a redeploy would do. */
export interface DeployPlan extends PlannedDeploy {
  /** Null for a service that is not there yet. */
  plan_id: string | null;
  deploys: boolean;
  proposal: AiProposal | null;
}

/** What waits for review. */
export interface Proposal {
  proposal_id: string;
  made_at: string;
  /** From what runs; empty where it is the same. */
  diff: string;
  proposal: AiProposal | null;
  plan: PlannedDeploy;
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

/** What runs beside what its revision says. */
export interface Drift {
  state: 'in_sync' | 'drifted' | 'unknown';
  revision: number | null;
  services: {
    service: string;
    container: string;
    change: string;
    fields: { path: string; expected: string | null; actual: string | null }[];
  }[];
  files: { path: string; change: string }[];
}

export interface RevisionDiff {
  services: { service: string; change: string; fields: FieldChange[] }[];
}
