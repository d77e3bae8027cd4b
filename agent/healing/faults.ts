// What is wrong with a container, as far as a restart may help. Pure.
import type { Container } from '../docker/engine.ts';

/**
 * `down`: it ended and nobody brings it back. `unhealthy`: it runs and its checks fail. `looping`: its restart policy
 * has Docker start it again and again.
 */
export interface Fault {
  kind: 'down' | 'unhealthy' | 'looping';
  id: string;
  name: string;
  /** Compose service. */
  service: string;
  /** Follows its name: `exited with code 1`. */
  what: string;
  exitCode: number | null;
  oomKilled: boolean;
}

type Seen = Pick<
  Container,
  'id' | 'name' | 'service' | 'state' | 'health' | 'exitCode' | 'oomKilled' | 'restartPolicy' | 'startedAt'
>;

/** What `docker stop` leaves: the program ended by SIGTERM, or by SIGKILL after its grace period. */
const STOP_CODES: readonly (number | null)[] = [137, 143];

/** Null for one that runs well, has done its work, is paused, or was stopped by hand (`stoppedAt`, 0 is never). */
export function faultOf(container: Seen, stoppedAt = 0): Fault | null {
  const { state, health } = container;
  if (state === 'restarting') return fault('looping', container, `keeps ending${endOf(container)}`);
  if (state === 'running') return health === 'unhealthy' ? fault('unhealthy', container, 'is unhealthy') : null;
  if (state === 'dead') return fault('down', container, 'is dead');
  if (state !== 'exited' || container.exitCode === 0 || isStoppedByHand(container, stoppedAt)) return null;
  return fault('down', container, `exited${endOf(container)}`);
}

/** Seen in Docker's events; or Docker, which would bring it back from a crash, leaves it down. */
export function isStoppedByHand({ state, restartPolicy, exitCode, startedAt }: Seen, stoppedAt: number): boolean {
  if (state !== 'exited') return false;
  const wouldComeBack = restartPolicy === 'always' || restartPolicy === 'unless-stopped';
  return stoppedAt > startedAt || (wouldComeBack && STOP_CODES.includes(exitCode));
}

const endOf = ({ exitCode, oomKilled }: Seen): string =>
  `${exitCode === null ? '' : ` with code ${exitCode}`}${oomKilled ? ' (out of memory)' : ''}`;

const fault = (kind: Fault['kind'], { id, name, service, exitCode, oomKilled }: Seen, what: string): Fault => ({
  kind,
  id,
  name,
  service,
  what,
  exitCode,
  oomKilled,
});

export const describeFaults = (faults: readonly Fault[]): string =>
  faults.map(({ name, what }) => `${name} ${what}`).join('; ');
