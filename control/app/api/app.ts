// What the app layer offers to routes, dialects, sockets and background work. Every rule lives behind this line; HTTP
// chooses words and status codes, nothing else. All times are milliseconds since the epoch.
import type { Adoption } from './adoption.ts';
import type { Audit } from './audit.ts';
import type { Backups } from './backups.ts';
import type { Containers } from './containers.ts';
import type { Customers, Plans } from './customers.ts';
import type { DeployKeys } from './deploy-keys.ts';
import type { DeployPlans } from './deploy-plans.ts';
import type { Drifts } from './drift.ts';
import type { Exec } from './exec.ts';
import type { GitHooks } from './git-hooks.ts';
import type { Hosts } from './hosts.ts';
import type { Images } from './images.ts';
import type { Idempotency } from './idempotency.ts';
import type { Jobs } from './jobs.ts';
import type { Keys } from './keys.ts';
import type { Bus } from './live.ts';
import type { LogSearch } from './log-search.ts';
import type { Metrics } from './metrics.ts';
import type { Proposals } from './proposals.ts';
import type { Registries } from './registries.ts';
import type { Revisions } from './revisions.ts';
import type { Services } from './services.ts';
import type { ServiceSets } from './service-sets.ts';
import type { Login, Sessions } from './sessions.ts';
import type { Stats } from './stats.ts';
import type { Templates } from './templates.ts';
import type { Schedules } from './schedules.ts';
import type { SystemServices } from './system-services.ts';
import type { Webhooks } from './webhooks.ts';
import type { Variables } from './variables.ts';

export interface App {
  services: Services;
  adoption: Adoption;
  sets: ServiceSets;
  deployPlans: DeployPlans;
  revisions: Revisions;
  drift: Drifts;
  exec: Exec;
  proposals: Proposals;
  gitHooks: GitHooks;
  deployKeys: DeployKeys;
  jobs: Jobs;
  backups: Backups;
  customers: Customers;
  plans: Plans;
  registries: Registries;
  hosts: Hosts;
  containers: Containers;
  stats: Stats;
  metrics: Metrics;
  logSearch: LogSearch;
  images: Images;
  keys: Keys;
  sessions: Sessions;
  login: Login;
  templates: Templates;
  webhooks: Webhooks;
  schedules: Schedules;
  system: SystemServices;
  audit: Audit;
  variables: Variables;
  idempotency: Idempotency;
  bus: Bus;
  /** Ready once migrations are done and, for `up`, the local agent is connected. */
  readiness(): { isReady: boolean; reason: string | null };
}
