// The agent's end of STREAMS.logs: a service's lines, past and to come, from Docker's socket to the wire.
import { LongshoreError } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import type { ContainerView } from '#shared/model.ts';
import { LogCursor } from '#shared/protocol/log-frame.ts';
import type { Handlers, StreamWriter } from '#shared/protocol/peer-types.ts';
import type { StreamParams } from '#shared/protocol/schema.ts';
import { aborted, type Clock } from '#shared/time.ts';
import type { FindMask } from '../secrets/mask.ts';
import { ServiceFollower } from './log-follow.ts';
import { type FindLogFile, fileHistory } from './log-file.ts';
import { apiHistory, type HistoryOf, readHistory } from './log-history.ts';
import { findLogFileBy } from './log-path.ts';
import { LogOutput } from './log-output.ts';

export interface LogStreamerDeps {
  socketPath: string;
  /** The service's own containers of a project, also those that do not run. */
  listContainers: (project: string, serviceId: string) => Promise<ContainerView[]>;
  /** Calls back when a container of the project started, stopped, appeared or went; returns the way to stop that. */
  onContainerChange: (project: string, changed: () => void) => () => void;
  projectOf: (serviceId: string) => string | undefined;
  /** What the service's lines must not show. */
  maskOf: (serviceId: string) => FindMask;
  /** Where a container's json-file log is; default: what the Engine says. */
  findLogFile?: FindLogFile;
  clock: Clock;
  log: Logger;
}

type LogStreamer = NonNullable<Handlers['streams']['logs']>;

/** Rejects with `not_found` for a service this host does not know. A follow ends only by its reader. */
export const createLogStreamer =
  (deps: LogStreamerDeps): LogStreamer =>
  async (params, writer, opened) => {
    const project = deps.projectOf(params.serviceId);
    if (project === undefined)
      throw new LongshoreError('not_found', { message: 'The host does not know this service' });
    const findMask = deps.maskOf(params.serviceId);
    if (params.follow) return follow(deps, { project, findMask }, params, writer, opened);
    const containers = await deps.listContainers(project, params.serviceId);
    opened();
    for await (const frame of readHistory(containers, params, historyOf(deps, findMask))) await writer.write(frame);
  };

export interface ContainerLogDeps extends Pick<LogStreamerDeps, 'socketPath' | 'findLogFile' | 'clock'> {
  findContainer: (id: string) => Promise<ContainerView | undefined>;
  maskOf: (container: ContainerView) => Promise<FindMask>;
}

/** The agent's end of STREAMS.containerLogs: what one container has logged up to now. */
export const createContainerLogs =
  (deps: ContainerLogDeps): NonNullable<Handlers['streams']['containerLogs']> =>
  async ({ containerId, ...range }, writer, opened) => {
    const container = await deps.findContainer(containerId);
    if (!container) throw new LongshoreError('not_found', { message: `The host has no container "${containerId}"` });
    const findMask = await deps.maskOf(container);
    opened();
    for await (const frame of readHistory([container], range, historyOf(deps, findMask))) await writer.write(frame);
  };

const historyOf = (
  deps: Pick<LogStreamerDeps, 'socketPath' | 'findLogFile' | 'clock'>,
  findMask: FindMask,
): HistoryOf => fileHistory(deps.findLogFile ?? findLogFileBy(deps.socketPath), findMask, apiHistory(deps, findMask));

async function follow(
  deps: LogStreamerDeps,
  { project, findMask }: { project: string; findMask: FindMask },
  params: StreamParams<'logs'>,
  writer: StreamWriter,
  opened: () => void,
): Promise<void> {
  const { signal } = writer;
  const { socketPath, clock, log } = deps;
  const list = () => deps.listContainers(project, params.serviceId);
  const output = new LogOutput(writer, clock, findMask);
  const follower = new ServiceFollower({ socketPath, clock, log, signal, list, output });
  const unsubscribe = deps.onContainerChange(project, () => follower.look());
  try {
    const containers = await follower.attach();
    opened();
    // The live sources wait unread meanwhile: Docker holds what comes.
    const delivered = new LogCursor();
    for await (const frame of readHistory(containers, params, historyOf(deps, findMask))) {
      delivered.take(frame);
      await writer.write(frame);
    }
    follower.start(delivered);
    follower.look();
    await aborted(signal);
  } finally {
    unsubscribe();
    follower.close();
  }
}
