// What a rollout does with one member: made, deployed as its set wants it now, or removed. Each is a job like any other.
import type { Clock } from '#shared/time.ts';
import type { ServiceRecord, ServiceSettings } from '../../store/records.ts';
import type { RolloutRecord, SetRecord } from '../../store/set-records.ts';
import type { Stores, WriteContext } from '../../store/stores.ts';
import { SYSTEM_CALLER } from '../access/admin-key.ts';
import { insertService, newRecord, type Created, type CreateDeps } from '../services/create-service.ts';
import type { CustomerRules } from '../customers/customer-rules.ts';
import type { ServiceJobs } from '../services/service-jobs.ts';

export interface MemberDeps {
  stores: Stores;
  create: Pick<CreateDeps, 'stores' | 'starts' | 'customerRules' | 'bus'>;
  customerRules: CustomerRules;
  serviceJobs: ServiceJobs;
  clock: Clock;
}

export class SetMembers {
  readonly #deps: MemberDeps;

  constructor(deps: MemberDeps) {
    this.#deps = deps;
  }

  /** Null: there is nothing to remove. Throws what a create, change or redeploy of the service itself would. */
  start(tx: WriteContext, set: SetRecord, rollout: RolloutRecord, hostId: string): Created | null {
    const found = this.#deps.stores.services.findByName(hostId, set.name);
    const member = found?.setId === set.id ? found : undefined;
    if (rollout.kind === 'remove') return member ? this.#remove(tx, member) : null;
    return member ? this.#deploy(tx, set, rollout, member) : this.#insert(tx, set, rollout, hostId);
  }

  #insert(tx: WriteContext, set: SetRecord, rollout: RolloutRecord, hostId: string): Created {
    const { stores, create, clock } = this.#deps;
    const { name, customerId, method, templateId } = set;
    const fields = { ...settingsOfSet(set), name, customerId, method, templateId, hostId, setId: set.id };
    const record = newRecord(clock.now(), fields);
    return insertService(create, tx, record, stores.sets.requireSource(set.id), {
      ...orderOf(rollout),
      limits: set.limits,
    });
  }

  #deploy(tx: WriteContext, set: SetRecord, rollout: RolloutRecord, member: ServiceRecord): Created {
    const { stores, customerRules, serviceJobs, clock } = this.#deps;
    const limits = customerRules.allotAgain(member, set.limits);
    const settings = settingsOfSet(set);
    stores.services.setSettings(member.id, settings, clock.now());
    stores.services.setSource(member.id, stores.sets.requireSource(set.id));
    const kind = rollout.kind === 'redeploy' ? 'redeploy' : 'deploy';
    const next = { ...member, ...settings, limits };
    return { serviceId: member.id, jobId: serviceJobs.deployMember(tx, next, { ...orderOf(rollout), kind }) };
  }

  #remove(tx: WriteContext, { id }: ServiceRecord): Created {
    return { serviceId: id, jobId: this.#deps.serviceJobs.remove(tx, SYSTEM_CALLER, id) };
  }
}

/** What members have of their set without a deploy. */
export const settingsOfSet = (set: SetRecord): ServiceSettings => ({
  displayName: set.displayName,
  category: set.category,
  labels: set.labels,
  rollbackOnFailure: set.rollbackOnFailure,
  healthTimeoutS: set.healthTimeoutS,
});

const orderOf = ({ id, pull, madeBy }: RolloutRecord) => ({
  pull,
  madeBy: madeBy ?? undefined,
  cause: `rollout ${id}`,
});
