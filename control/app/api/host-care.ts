// What operators do to hosts beside letting them in: naming, emptying and removing them.
import type { ServiceData } from '../hosts/data-of-service.ts';
import type { Caller } from './caller.ts';
import type { Host } from './hosts.ts';

export interface HostChange {
  name?: string | undefined;
  /** Merged; null removes. */
  labels?: Record<string, string | null> | undefined;
}

export interface DrainedService {
  id: string;
  name: string;
  /** `stopping`: by the job. `called_off`: its host had never heard of it. `left`: there was nothing to stop, or it is disabled. */
  action: 'stopping' | 'called_off' | 'left';
  /** Why it was left; null: it was not. */
  reason: string | null;
  jobId: string | null;
  /** What it keeps on the host; null: its compose file is in a repository. */
  data: ServiceData | null;
}

export interface Drain {
  host: Host;
  services: DrainedService[];
}

export interface UndrainedService {
  id: string;
  name: string;
  /** Null: it waits for its customer, was disabled or is being removed. */
  jobId: string | null;
}

export interface Undrain {
  host: Host;
  services: UndrainedService[];
}

export interface HostCare {
  /** Throws name_taken, 422. */
  change(caller: Caller, id: string, change: HostChange): Promise<Host>;
  /** A cordoned host gets no new services. Done twice it changes nothing. */
  cordon(caller: Caller, id: string): Promise<Host>;
  /** Throws state_conflict for one that is drained. */
  uncordon(caller: Caller, id: string): Promise<Host>;
  /** Cordons it and stops its enabled services. Done again it stops what has been started since. */
  drain(caller: Caller, id: string): Promise<Drain>;
  /** Starts what the drain stopped. */
  undrain(caller: Caller, id: string): Promise<Undrain>;
  /** Throws in_use while services are on it, unless forced; what runs there runs on. */
  remove(caller: Caller, id: string, isForced: boolean): Promise<void>;
}
