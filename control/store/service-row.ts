// A row of the services table, and the record it is.
import type { AutoUpdate } from '#shared/auto-update.ts';
import type { ServiceReport } from '#shared/model.ts';
import { parseJson } from './page.ts';
import type { ServiceRecord, SuspendedFrom } from './records.ts';

export interface ServiceRow {
  id: string;
  name: string;
  display_name: string | null;
  category: string | null;
  lifecycle: ServiceRecord['lifecycle'];
  health: ServiceRecord['health'];
  is_enabled: number;
  reason: string | null;
  customer_id: string | null;
  host_id: string;
  method: ServiceRecord['method'];
  template_id: string | null;
  labels: string;
  revision: number;
  rollback_on_failure: number;
  health_timeout_s: number;
  created_at: number;
  updated_at: number;
  deployed_at: number | null;
  report: string | null;
  cpu_limit: number | null;
  memory_limit_mb: number | null;
  suspended_from: SuspendedFrom | null;
  auto_update: string | null;
  update_available: number | null;
  set_id: string | null;
  set_revision: number | null;
  hostname: string | null;
}

export function toService(row: ServiceRow): ServiceRecord {
  return {
    id: row.id,
    name: row.name,
    displayName: row.display_name,
    category: row.category,
    lifecycle: row.lifecycle,
    health: row.health,
    isEnabled: row.is_enabled === 1,
    reason: row.reason,
    customerId: row.customer_id,
    hostId: row.host_id,
    method: row.method,
    templateId: row.template_id,
    labels: JSON.parse(row.labels) as Record<string, string>,
    revision: row.revision,
    rollbackOnFailure: row.rollback_on_failure === 1,
    healthTimeoutS: row.health_timeout_s,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    deployedAt: row.deployed_at,
    report: parseJson<ServiceReport>(row.report),
    limits: { cpu: row.cpu_limit, memoryMb: row.memory_limit_mb },
    suspendedFrom: row.suspended_from,
    autoUpdate: parseJson<AutoUpdate>(row.auto_update),
    updateAvailable: row.update_available === null ? null : row.update_available === 1,
    setId: row.set_id,
    setRevision: row.set_revision,
    hostname: row.hostname,
  };
}
