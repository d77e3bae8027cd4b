// Customers and plans as the API answers them, as far as the commands show them.

export interface PlanLimits {
  services: number | null;
  cpu: number | null;
  memory_mb: number | null;
  storage_mb: number | null;
}

export interface Plan {
  id: string;
  name: string;
  description: string | null;
  limits: PlanLimits;
}

export interface Customer {
  id: string;
  name: string;
  email: string | null;
  plan_id: string | null;
  status: string;
  created_at: string;
  suspended_at: string | null;
}

export interface CustomerDetail extends Customer {
  plan_name: string | null;
  limits: PlanLimits | null;
  usage: { services: number; cpu: number; memory_mb: number; storage_mb: number | null };
}

/** Of suspend and resume: the jobs go on by themselves. */
export interface Suspension {
  id: string;
  status: string;
  message: string;
  job_ids: string[];
}
