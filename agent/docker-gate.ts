// Jobs wait here while Docker is away: a restart of dockerd in the middle of a queue is not a reason to fail it.
import { LongshoreError } from '#shared/errors.ts';
import { sleep, type Clock } from '#shared/time.ts';
import type { Engine } from './docker/engine.ts';
import type { EventHub } from './docker/events.ts';

/** Longer than dockerd takes to come back with many containers; shorter than anybody's patience. */
const WAIT_LIMIT_MS = 120_000;
const ASK_EVERY_MS = 1_000;

export interface DockerGateDeps {
  engine: Pick<Engine, 'ping'>;
  hub: Pick<EventHub, 'isConnected'>;
  clock: Clock;
}

/** Resolves when Docker answers. Throws `docker_unavailable` after two minutes, and the signal's reason on abort. */
export function createDockerGate({ engine, hub, clock }: DockerGateDeps): (signal: AbortSignal) => Promise<void> {
  return async (signal) => {
    const deadline = clock.elapsed() + WAIT_LIMIT_MS;
    for (;;) {
      signal.throwIfAborted();
      if (hub.isConnected) return; // the event stream is up: no need to ask
      const error = await engine.ping().then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (error === undefined) return;
      if (clock.elapsed() >= deadline) throw new LongshoreError('docker_unavailable', { cause: error });
      await sleep(clock, ASK_EVERY_MS, signal);
    }
  };
}
