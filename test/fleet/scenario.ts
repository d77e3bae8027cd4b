// What is done to a fleet: the shape of a row in the tables beside this file, and what their rows share.
import type { Test } from 'tap';
import type { FleetWorld, Site } from '../support/fleet/world.ts';

export interface Scene {
  t: Test;
  world: FleetWorld;
  /** The host that is struck; the first one for what strikes control and with it all. */
  site: Site;
}

export interface Scenario {
  /** Starts with the row of RELIABILITY that it plays, where there is one. */
  name: string;
  /** Which host is struck; all for what strikes control. */
  site: number | 'all';
  /** Docker starts the containers of the host anew: they are the same ones, with another start. */
  restartsContainers?: true;
  /** Breaks, looks at what is broken, and mends; what it returns is checked once the host is back. */
  strike: (scene: Scene) => Promise<void | (() => Promise<void>)>;
  /** The host is none of this control plane's afterwards. */
  isLast?: true;
}
