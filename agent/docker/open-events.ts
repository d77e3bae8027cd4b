// Docker's event stream, line by line.
import { EVENTS, fromEvent } from './container-view.ts';
import type { DockerClient } from './docker-client.ts';
import type { EngineEvent } from './engine.ts';

export async function openEvents(
  client: DockerClient,
  onEvent: (event: EngineEvent) => void,
  signal: AbortSignal,
): Promise<{ closed: Promise<void> }> {
  const stream = await client.open(
    'Cannot follow the events of Docker',
    (docker, abortSignal) =>
      docker.getEvents({ filters: { type: ['container', 'network'], event: EVENTS }, abortSignal }),
    signal,
  );
  const { createInterface } = await import('node:readline');
  const lines = createInterface({ input: stream, crlfDelay: Infinity });
  lines.on('line', (line) => onEvent(fromEvent(JSON.parse(line) as Parameters<typeof fromEvent>[0])));
  const closed = new Promise<void>((resolve) => {
    lines.once('error', () => resolve()); // readline passes the stream's error on
    lines.once('close', resolve);
  });
  return { closed };
}
