// The names of services, and what answers to them on each host.
import type { WireError } from '#shared/errors.ts';
import type { EdgeKind, EdgeStatus } from '#shared/protocol/edge-parts.ts';
import type { CertificatePair, DomainRecord } from '../../store/domains.ts';
import type { Caller } from './caller.ts';
import type { Order, Page, Paging } from './page.ts';

export type CertificateState = EdgeStatus['names'][number]['certificate'];

export interface Domain extends Omit<DomainRecord, 'certificate'> {
  /** Where the name has to lead. */
  expectedAddresses: string[];
  certificate: CertificateState & { source: 'uploaded' | 'acme' | 'internal' };
  /** Why nothing answers to it; null: something does, or the host has not said yet. */
  fault: WireError | null;
}

/** Where a name leads; what is absent stays. */
export interface DomainAim {
  /** Of the compose file; null: the host finds the one that answers. */
  target?: string | null | undefined;
  port?: number | null | undefined;
  redirectTo?: string | null | undefined;
}

export interface NewDomain extends DomainAim {
  hostname: string;
}

export interface DomainQuery extends Paging {
  sort: 'hostname' | 'created_at';
  order: Order;
}

export interface Domains {
  list(caller: Caller, serviceId: string, query: DomainQuery): Page<Domain>;
  require(caller: Caller, serviceId: string, domainId: string): Domain;
  /**
   * Looks at once whether the name leads to the host; it is added either way. 409 `name_taken`; 409 `state_conflict` where
   * the host has no edge, or for too many; 422 for names that are not a customer's to take.
   */
  create(caller: Caller, serviceId: string, input: NewDomain): Promise<Domain>;
  change(caller: Caller, serviceId: string, domainId: string, aim: DomainAim): Promise<Domain>;
  /** 409 `state_conflict` for the name that the service has by itself. */
  remove(caller: Caller, serviceId: string, domainId: string): Promise<void>;
  /** Looks again what DNS says. */
  verify(caller: Caller, serviceId: string, domainId: string): Promise<Domain>;
  /** Takes the place of one that is asked for. 422 for one that does not fit. */
  putCertificate(caller: Caller, serviceId: string, domainId: string, pair: CertificatePair): Promise<Domain>;
  removeCertificate(caller: Caller, serviceId: string, domainId: string): Promise<Domain>;
}

export interface Edge {
  hostId: string;
  edge: EdgeKind;
  baseDomain: string | null;
  addresses: string[];
  /** As the host itself is set; null and none: as the control plane's settings and the host's facts say. */
  own: { edge: EdgeKind | null; baseDomain: string | null; addresses: string[] };
  issuer: 'acme' | 'internal';
  /** That was sent last; 0: none. */
  wantedRevision: number;
  status: Pick<EdgeStatus, 'revision' | 'fault' | 'at'> | null;
}

export interface EdgeChange {
  edge?: EdgeKind | null | undefined;
  baseDomain?: string | null | undefined;
  addresses?: string[] | undefined;
}

export interface HostEdges {
  require(caller: Caller, hostId: string): Edge;
  change(caller: Caller, hostId: string, change: EdgeChange): Promise<Edge>;
}
