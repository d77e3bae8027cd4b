// What a host still takes on when the disk of its agent is full: only what makes room, or needs none.
import type { JobKind } from '#shared/jobs.ts';
import type { AgentState } from '../state/open.ts';

const MAKES_ROOM: ReadonlySet<JobKind> = new Set(['stop', 'remove', 'forget_backup']);

export const hasRoomFor = (kind: JobKind, state: Pick<AgentState, 'hasRoom'>): boolean =>
  MAKES_ROOM.has(kind) || state.hasRoom();

export const NO_ROOM = 'the disk of the agent is full';
