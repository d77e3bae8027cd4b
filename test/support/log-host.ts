// The agent's log streamer on a real engine, read in memory: what a service's stream delivers, line by line.
import type { Test } from 'tap';
import { createDockerEngine } from '../../agent/docker/docker-engine.ts';
import { startEventHub } from '../../agent/docker/events.ts';
import { createLogStreamer } from '../../agent/docker/logs.ts';
import { silentLogger } from '#shared/log.ts';
import type { LogEntry } from '#shared/model.ts';
import type { StreamParams } from '#shared/protocol/schema.ts';
import { systemClock } from '#shared/time.ts';
import { docker } from './docker.ts';
import { createMask } from '../../agent/secrets/mask.ts';

const socketPath = '/var/run/docker.sock';

/** Where history is read: from the log files, or through the Engine as where the agent may not read them. */
export type HistoryFrom = 'files' | 'api';

/** A streamer whose only service is `project`. */
export function startStreamer(t: Test, project: string, from: HistoryFrom = 'files', secrets: string[] = []) {
  const abort = new AbortController();
  const mask = createMask(secrets);
  t.teardown(() => abort.abort());
  const engine = createDockerEngine({ socketPath });
  const events = startEventHub({ engine, clock: systemClock, log: silentLogger() }, abort.signal);
  return createLogStreamer({
    socketPath,
    listContainers: (name) => engine.listProject(name),
    onContainerChange: (name, changed) => events.subscribe(name, changed),
    projectOf: (serviceId) => (serviceId === 'svc_test' ? project : undefined),
    maskOf: () => () => mask,
    ...(from === 'api' && { findLogFile: () => Promise.resolve(undefined) }),
    clock: systemClock,
    log: silentLogger(),
  });
}

type Streamer = ReturnType<typeof startStreamer>;
export type LogParams = Partial<Omit<StreamParams<'logs'>, 'serviceId'>>;

const withDefaults = (params: LogParams): StreamParams<'logs'> => ({
  serviceId: 'svc_test',
  tail: null,
  since: null,
  follow: false,
  ...params,
});

/** Everything a stream without follow delivers. */
export async function readLogs(stream: Streamer, params: LogParams = {}): Promise<LogEntry[]> {
  const entries: LogEntry[] = [];
  const write = async (frame: Uint8Array) => void entries.push(...parse(frame));
  await stream(withDefaults(params), { signal: new AbortController().signal, write }, () => undefined);
  return entries;
}

export interface Following {
  entries: LogEntry[];
  /** Size of each frame as it came. */
  frameBytes: number[];
  /** Rejects when the stream fails. */
  done: Promise<void>;
  stop(): Promise<void>;
}

/** Follows until `stop`; resolves once the sources are attached. */
export async function followLogs(t: Test, stream: Streamer, params: LogParams = {}): Promise<Following> {
  const abort = new AbortController();
  const entries: LogEntry[] = [];
  const frameBytes: number[] = [];
  const write = async (frame: Uint8Array) => {
    frameBytes.push(frame.length);
    entries.push(...parse(frame));
  };
  const opened = Promise.withResolvers<void>();
  const done = stream(withDefaults({ follow: true, ...params }), { signal: abort.signal, write }, opened.resolve);
  done.catch(opened.reject);
  const stop = () => {
    abort.abort();
    return done;
  };
  t.teardown(stop);
  await opened.promise;
  return { entries, frameBytes, done, stop };
}

const parse = (frame: Uint8Array): LogEntry[] =>
  Buffer.from(frame)
    .toString('utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as LogEntry);

export interface LogContainer {
  project: string;
  /** Compose service name; also the container's, after the project's. */
  service: string;
  /** Run by busybox's sh. */
  script: string;
  options?: string[];
}

/** Starts a container as Compose would label it, and returns its name. */
export async function runContainer({ project, service, script, options = [] }: LogContainer): Promise<string> {
  const name = `${project}-${service}-1`;
  const labels = [`com.docker.compose.project=${project}`, `com.docker.compose.service=${service}`];
  const args = ['run', '-d', '--init', '--name', name, ...labels.flatMap((label) => ['--label', label]), ...options];
  await docker([...args, 'busybox:1', 'sh', '-c', script]);
  return name;
}

/** Until the container's process has ended. */
export const waitForExit = (name: string): Promise<string> => docker(['wait', name]);
