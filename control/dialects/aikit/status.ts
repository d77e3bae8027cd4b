// Pure: the dashboard's two words for a container. It shows nothing between running and stopped, so what can be started
// is stopped, and what would have to be stopped first runs.
import type { ContainerState, Health } from '#shared/model.ts';

export type Status = 'running' | 'stopped';

const STATUS: Record<ContainerState, Status> = {
  created: 'stopped',
  running: 'running',
  paused: 'stopped', // start lets it go on
  restarting: 'running', // Docker brings it back again and again: its health tells
  removing: 'stopped',
  exited: 'stopped',
  dead: 'stopped',
};

export const toStatus = ({ state }: { state: ContainerState }): Status => STATUS[state];

/** What does not run is neither well nor ill. */
export function toHealth({ state, health }: { state: ContainerState; health: Health }): Health {
  if (state === 'restarting') return 'unhealthy';
  return toStatus({ state }) === 'running' ? health : 'unknown';
}
