// The gateway's questions about hosts, answered from SQLite: who may join, who is known, where the sequences go on.
import { LongshoreError, toLongshoreError } from '#shared/errors.ts';
import { newId } from '#shared/ids.ts';
import type { Proof } from '#shared/protocol/handshake.ts';
import type { Logger } from '#shared/log.ts';
import type { Clock } from '#shared/time.ts';
import { readAddressRange } from '../app/access/address-range.ts';
import type { IncidentLog } from '../app/incidents/incident-log.ts';
import { nameFor } from '../app/hosts/host-name.ts';
import type { JoinRefusals } from '../app/hosts/join-refusals.ts';
import { spreadToHost } from '../app/schedules/spread.ts';
import type { JoinTokenRecord } from '../store/access-records.ts';
import type { HostRecord } from '../store/records.ts';
import type { Stores, WriteContext } from '../store/stores.ts';
import { alignEnabled } from './enabled-words.ts';
import type { AgentRegistry, EnrolRequest, KnownHost } from './handshake.ts';
import type { ForgottenServices } from './forgotten-services.ts';
import type { LostJobs } from './lost-jobs.ts';
import { planResume, type Incident } from './resume.ts';

export interface RegistryDeps {
  stores: Stores;
  lostJobs: LostJobs;
  forgotten: Pick<ForgottenServices, 'note'>;
  refusals: Pick<JoinRefusals, 'note'>;
  incidents: IncidentLog;
  clock: Clock;
  log: Logger;
}

/** Of a long list the first say enough. */
const MAX_NAMED = 50;

const INCIDENTS: Record<Incident, string> = {
  host_rolled_back: 'The host came back with an older state than it had reported; it is listed again',
  control_restored: 'The control plane came back from a backup; what the host knows counts, and it is listed again',
};

export class StoredRegistry implements AgentRegistry {
  readonly #deps: RegistryDeps;

  constructor(deps: RegistryDeps) {
    this.#deps = deps;
  }

  findToken(tokenId: string): { secretHash: string } | undefined {
    return this.#deps.stores.joinTokens.find(tokenId);
  }

  findHostByKey(agentKey: string): KnownHost | undefined {
    const host = this.#deps.stores.hosts.findByKey(agentKey);
    return host && { hostId: host.id, isRevoked: host.revokedAt !== null };
  }

  enrol(request: EnrolRequest): Promise<KnownHost> {
    const { stores, clock } = this.#deps;
    return stores.writer.write(() => {
      const { tokenId, agentKey } = request;
      const known = stores.hosts.findByKey(agentKey);
      const usedFor = stores.joinTokens.findUse(tokenId, agentKey);
      if (usedFor !== undefined && known) return { hostId: known.id, isRevoked: known.revokedAt !== null };
      const token = this.#requireToken(request);
      const now = clock.now();
      const hostId = known ? this.#readmit(known, request, token, now) : this.#insert(request, token, now);
      stores.joinTokens.addUse({ tokenId, agentKey, hostId, at: now });
      return { hostId, isRevoked: false };
    });
  }

  connected(hostId: string, proof: Proof, remoteAddress: string): Promise<{ epoch: number; nextEventSeq: number }> {
    return this.#deps.stores.writer.writePatiently((tx) => this.#connect(tx, hostId, proof, remoteAddress));
  }

  disconnected(hostId: string): void {
    const { stores, clock, log } = this.#deps;
    const at = clock.now();
    stores.writer
      .writePatiently(() => stores.hosts.setSeen(hostId, at))
      .catch((error: unknown) => log.warn({ err: error, hostId }, 'could not note when a host was last seen'));
  }

  #requireToken(request: EnrolRequest): JoinTokenRecord {
    try {
      return this.#requireUsable(request);
    } catch (error) {
      this.#deps.refusals.note(request.tokenId, request.remoteAddress, toLongshoreError(error));
      throw error;
    }
  }

  #requireUsable({ tokenId, remoteAddress }: EnrolRequest): JoinTokenRecord {
    const { stores, clock } = this.#deps;
    const token = stores.joinTokens.find(tokenId);
    if (!token || token.expiresAt <= clock.now()) throw invalid('It has expired.');
    if (stores.joinTokens.countUses(tokenId) >= token.maxUses) throw invalid('It is used up.');
    const isInRange = token.addressRange === null || readAddressRange(token.addressRange)?.(remoteAddress);
    if (!isInRange) throw invalid(`It is not for this address, ${remoteAddress}.`);
    return token;
  }

  /** A token made after the revocation says that an operator wants the host back. */
  #readmit(host: HostRecord, { proof }: EnrolRequest, token: JoinTokenRecord, now: number): string {
    if (host.revokedAt !== null && token.createdAt <= host.revokedAt) throw new LongshoreError('revoked');
    const { hosts } = this.#deps.stores;
    const wasRemoved = host.removedAt !== null;
    const name = host.revokedAt === null ? host.name : this.#freeName(host.name);
    hosts.readmit(host.id, name, { ...host.labels, ...token.labels });
    if (wasRemoved) hosts.setForgottenUpTo(host.id, proof.events.last); // of services that are not known here any more
    if (host.revokedAt !== null) this.#tellJoined(host.id, `Host "${name}" joined again`, now);
    return host.id;
  }

  #insert({ agentKey, proof }: EnrolRequest, token: JoinTokenRecord, now: number): string {
    const id = newId('host', now);
    const name = this.#freeName(proof.facts.hostname);
    this.#deps.stores.hosts.insert({ id, name, agentKey, labels: token.labels, createdAt: now });
    this.#tellJoined(id, `Host "${name}" joined`, now);
    return id;
  }

  #freeName(wanted: string): string {
    return nameFor(wanted, (name) => this.#deps.stores.hosts.isNameTaken(name));
  }

  #tellJoined(hostId: string, message: string, at: number): void {
    this.#deps.stores.events.insert({ hostId, type: 'host', status: 'joined', message, at });
  }

  #connect(
    tx: WriteContext,
    hostId: string,
    proof: Proof,
    remoteAddress: string,
  ): { epoch: number; nextEventSeq: number } {
    const { stores, lostJobs, forgotten, incidents, clock } = this.#deps;
    const host = stores.hosts.find(hostId);
    if (!host) throw new LongshoreError('handshake_failed');
    const at = clock.now();
    stores.hosts.setConnected(hostId, { facts: proof.facts, bootId: proof.bootId, remoteAddress, at });
    incidents.noteMachine(tx, hostId, proof.bootId, at);
    const incidentId = incidents.noteBack(hostId, at);
    if (stores.hosts.setOnline(hostId, true)) {
      const message = `Host "${host.name}" connected`;
      stores.events.insert({ hostId, type: 'host', status: 'connected', message, at, incidentId });
    }
    this.#tellUpgrade(host, proof, at);
    const { epoch, incident } = this.#resume(host, proof);
    lostJobs.suspect(hostId, proof.openJobs, incident === 'host_rolled_back' ? 0 : proof.events.last);
    lostJobs.judge(tx, hostId, host.eventSeq);
    this.#forgetRemoved(hostId, proof);
    if (incident !== null) stores.schedules.forgetSent(hostId);
    spreadToHost(stores, hostId);
    alignEnabled(stores, { hostId, services: proof.services, incident, at });
    if (incident !== null) this.#record(tx, hostId, incident, at);
    const unknown = this.#unknownOf(proof);
    forgotten.note(hostId, unknown);
    if (incident === 'control_restored') {
      stores.hosts.setForgottenUpTo(hostId, proof.events.last);
      this.#tellForgotten(hostId, unknown, at);
    }
    return { epoch, nextEventSeq: host.eventSeq + 1 };
  }

  #resume(host: HostRecord, proof: Proof): { epoch: number; incident: Incident | null } {
    const { stores } = this.#deps;
    const plan = planResume(host, proof, stores.restoredHosts.take(host.id));
    if (plan.isRenumbered) {
      const commandSeq = stores.commands.renumber(host.id, plan.ackedSeq);
      stores.hosts.setPosition(host.id, { ...host, epoch: plan.epoch, ackedSeq: plan.ackedSeq, commandSeq });
      return plan;
    }
    // Most hosts come back as they went: thousands at once, and each write of theirs is one that all wait for.
    if (plan.epoch !== host.epoch) stores.hosts.setPosition(host.id, { ...host, epoch: plan.epoch });
    if (plan.ackedSeq === host.ackedSeq) return plan;
    for (const jobId of stores.commands.ack(host.id, plan.ackedSeq)) stores.jobs.advance(jobId, 'accepted');
    return plan;
  }

  #tellUpgrade({ id: hostId, facts }: HostRecord, proof: Proof, at: number): void {
    const { agentVersion } = proof.facts;
    if (!facts || facts.agentVersion === agentVersion) return;
    const message = `The agent went from ${facts.agentVersion} to ${agentVersion}`;
    this.#deps.stores.events.insert({ hostId, type: 'host', status: 'upgraded', message, at });
  }

  /** The host still lists what was removed on request: tell it again, it checks with Docker before it forgets. */
  #forgetRemoved(hostId: string, { services }: Proof): void {
    const { stores } = this.#deps;
    for (const { serviceId } of services) {
      const tombstone = stores.tombstones.find(serviceId);
      if (tombstone?.hostId !== hostId) continue;
      stores.commands.append(hostId, { kind: 'service.forget', serviceId, revision: tombstone.revision });
    }
  }

  /** Services that run on a host and that nobody here can name any more. */
  #unknownOf({ services }: Proof): string[] {
    const { stores } = this.#deps;
    const unknown = services.map(({ serviceId }) => serviceId).filter((id) => !stores.services.find(id));
    return unknown.filter((id) => !stores.tombstones.find(id));
  }

  #tellForgotten(hostId: string, unknown: readonly string[], at: number): void {
    if (unknown.length === 0) return;
    const named = unknown.slice(0, MAX_NAMED).join(', ');
    const message = `These services of the host were made after the backup and run on, unknown here: ${named}`;
    this.#deps.stores.events.insert({ hostId, type: 'host', status: 'services_forgotten', message, at });
  }

  /** The host and control do not share one history any more: what is known must be seen anew. */
  #record(tx: WriteContext, hostId: string, incident: Incident, at: number): void {
    const { stores, log } = this.#deps;
    stores.hosts.setToRelist(hostId, true);
    stores.hostEdges.forgetSent(hostId);
    stores.events.insert({ hostId, type: 'host', status: incident, message: INCIDENTS[incident], at });
    tx.afterCommit(() => log.warn({ hostId, incident }, INCIDENTS[incident]));
  }
}

const invalid = (details: string): LongshoreError => new LongshoreError('token_invalid', { details });
