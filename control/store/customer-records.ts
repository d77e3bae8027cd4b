// What customers have beside services, as the stores give and take it.

/** Its password never leaves the store but to a host. */
export interface RegistryRecord {
  id: string;
  name: string;
  /** `host[:port]` as image names have it. */
  server: string;
  username: string;
  /** Whose services it is for; null: the operator's. */
  customerId: string | null;
  createdAt: number;
  updatedAt: number;
}

/** What opens it never leaves the store but to a host. */
export interface BackupRepositoryRecord {
  id: string;
  name: string;
  /** As restic takes it; see shared/backup-url.ts. */
  url: string;
  /** For this customer's services, or for those of all customers on the plan; null both: for those that are set to it. */
  customerId: string | null;
  planId: string | null;
  /** For sftp. */
  knownHosts: string | null;
  createdAt: number;
  updatedAt: number;
}

/** A user's own template. */
export interface TemplateRecord {
  id: string;
  /** Null: for everybody. */
  customerId: string | null;
  name: string;
  tagline: string;
  category: string;
  version: number;
  isImported: boolean;
  /** JSON that only control/templates reads. */
  document: string;
  createdAt: number;
  updatedAt: number;
}

/** A variable that services of one scope share. */
export interface VariableRecord {
  id: string;
  /** Null: the operator's services. */
  customerId: string | null;
  name: string;
  value: string;
  isSecret: boolean;
  description: string | null;
  createdAt: number;
  updatedAt: number;
}

/** What all services of a customer may take together; each null is no limit. */
export interface PlanLimits {
  services: number | null;
  /** Cores. */
  cpu: number | null;
  memoryMb: number | null;
  storageMb: number | null;
}

export interface PlanRecord {
  id: string;
  name: string;
  description: string | null;
  limits: PlanLimits;
  createdAt: number;
  updatedAt: number;
}

export interface CustomerRecord {
  id: string;
  name: string;
  email: string | null;
  planId: string | null;
  /** Null: active. */
  suspendedAt: number | null;
  createdAt: number;
  updatedAt: number;
}
