// The schema of control.db, forward only: a released step is never edited, a change is a new step.
//
// Times are milliseconds since the epoch. JSON columns hold what is only read whole. Columns called `sealed` and the
// *_hash columns are all that is kept of secrets: a copy of this file alone tells none of them.
import type { Migration } from '#shared/sqlite.ts';
import { ADOPTIONS } from './schema/adoptions.ts';
import { AUDIT } from './schema/audit.ts';
import { AUDIT_DETAIL } from './schema/audit-detail.ts';
import { BACKUP_REPOSITORIES } from './schema/backup-repositories.ts';
import { BACKUPS } from './schema/backups.ts';
import { CONTAINER_ENDS } from './schema/container-ends.ts';
import { CUSTOMERS } from './schema/customers.ts';
import { FIRST } from './schema/first.ts';
import { GIT_HOOKS } from './schema/git-hooks.ts';
import { GIT_WATCHES } from './schema/git-watches.ts';
import { HOST_CARE } from './schema/host-care.ts';
import { DNS } from './schema/dns.ts';
import { DOMAINS } from './schema/domains.ts';
import { HOST_RECOVERY } from './schema/host-recovery.ts';
import { HOST_UPGRADES } from './schema/host-upgrades.ts';
import { MOVES } from './schema/moves.ts';
import { IMAGE_UPDATES } from './schema/image-updates.ts';
import { REGISTRIES } from './schema/registries.ts';
import { RESTORED_HOSTS } from './schema/restored-hosts.ts';
import { REVIEWS } from './schema/reviews.ts';
import { REVISIONS } from './schema/revisions.ts';
import { SERVICE_SETS } from './schema/service-sets.ts';
import { SESSIONS } from './schema/sessions.ts';
import { TEMPLATES } from './schema/templates.ts';
import { VARIABLES } from './schema/variables.ts';
import { WEBHOOK_FORMATS } from './schema/webhook-formats.ts';
import { WEBHOOKS } from './schema/webhooks.ts';
import { SCHEDULES } from './schema/schedules.ts';
import { EVENT_SCHEDULES } from './schema/event-schedules.ts';
import { SCHEDULE_DESCRIPTIONS } from './schema/schedule-descriptions.ts';

export const MIGRATIONS: readonly Migration[] = [
  { version: 1, sql: FIRST },
  { version: 2, sql: CUSTOMERS },
  { version: 3, sql: REGISTRIES },
  { version: 4, sql: VARIABLES },
  { version: 5, sql: SESSIONS },
  { version: 6, sql: WEBHOOKS },
  { version: 7, sql: AUDIT },
  { version: 8, sql: TEMPLATES },
  { version: 9, sql: BACKUPS },
  { version: 10, sql: REVISIONS },
  { version: 11, sql: GIT_HOOKS },
  { version: 12, sql: SERVICE_SETS },
  { version: 13, sql: IMAGE_UPDATES },
  { version: 14, sql: REVIEWS },
  { version: 15, sql: GIT_WATCHES },
  { version: 16, sql: ADOPTIONS },
  { version: 17, sql: AUDIT_DETAIL },
  { version: 18, sql: SCHEDULES },
  { version: 19, sql: CONTAINER_ENDS },
  { version: 20, sql: SCHEDULE_DESCRIPTIONS },
  { version: 21, sql: WEBHOOK_FORMATS },
  { version: 22, sql: HOST_RECOVERY },
  { version: 23, sql: EVENT_SCHEDULES },
  { version: 24, sql: HOST_CARE },
  { version: 25, sql: RESTORED_HOSTS },
  { version: 26, sql: DOMAINS },
  { version: 27, sql: DNS },
  { version: 28, sql: HOST_UPGRADES },
  { version: 29, sql: BACKUP_REPOSITORIES },
  { version: 30, sql: MOVES },
];
