// Containers of the fleet as the app layer offers them: those of services, and those that somebody else made. The second
// are shown to those who may see hosts, and acted on by those who may change hosts.
import type { ContainerAct, ContainerSetup, KnownContainer } from '#shared/protocol/container-parts.ts';
import type { LogEntry } from '#shared/model.ts';
import type { Caller } from './caller.ts';

export interface FleetContainer extends KnownContainer {
  hostId: string;
  hostName: string;
  /** Where it is reached from elsewhere; null: not known. */
  hostAddress: string | null;
  /** Of its service. */
  displayName: string | null;
  /** Its name, or `host/name` where the caller sees another of that name; with the host's id where hosts share theirs. */
  calledAs: string;
}

/** A host that did not answer: nobody knows what runs there. */
export interface SilentHost {
  name: string;
  /** Code of the error. */
  reason: string;
}

export interface Containers {
  /** All that the caller sees, by name and host. `isMeasured`: with what they use, which takes the hosts a moment. */
  list(
    caller: Caller,
    options: { isMeasured: boolean },
  ): Promise<{ containers: FleetContainer[]; silent: SilentHost[] }>;
  /**
   * By id, short id, name or `host/name`, where the host may be an id. `isMeasured`: as the list has it, also in
   * `calledAs`. 404 naming hosts that did not answer; 409 name_ambiguous.
   */
  require(caller: Caller, called: string, options?: { isMeasured?: boolean }): Promise<FleetContainer>;
  /** Secret values are `***` unless the caller holds secrets.read. 409 host_offline. */
  setup(caller: Caller, container: FleetContainer): Promise<ContainerSetup>;
  /**
   * A service's container is started, stopped and restarted with its service, by its job; errors and `isDone` as of
   * `Services.act`. 403 for a foreign one without hosts.update. Returns it as it is then; null when it is gone.
   */
  act(caller: Caller, container: FleetContainer, act: ContainerAct, waitMs: number): Promise<ContainerOutcome>;
  /** Pulls the newest image and makes it anew, with its service; as it was before when that fails. Errors as of `act`. */
  update(caller: Caller, container: FleetContainer, waitMs: number): Promise<ContainerOutcome>;
  /** The newest lines, oldest first. `signal`: nobody waits any more. */
  logs(container: FleetContainer, range: ContainerLogRange, signal?: AbortSignal): Promise<LogEntry[]>;
}

export interface ContainerOutcome {
  container: FleetContainer | null;
  /** False: the wait was over, the work goes on. */
  isDone: boolean;
}

export interface ContainerLogRange {
  lines: number;
  /** RFC 3339. */
  since: string | null;
}
