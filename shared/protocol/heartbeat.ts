// Is the far side still there? Counts ticks instead of reading the time: a clock that is set, or a process that was
// stopped and continued, must not look like silence.
import type { Clock } from '../time.ts';
import type { Socket } from './socket.ts';

export interface HeartbeatLimits {
  pingIntervalMs: number;
  /** Never exceeded; silence is noticed within the last tick before it. */
  silenceLimitMs: number;
}

export interface Heartbeat {
  /** Pings now; true at the next sign of life, false after `limitMs` without one. */
  probe(limitMs: number): Promise<boolean>;
  stop(): void;
}

/** Fine enough that silence is noticed in 40–45 s, coarse enough to cost nothing with 10 000 links. */
const TICKS_PER_PING = 3;

export function startHeartbeat(
  socket: Socket,
  clock: Clock,
  limits: HeartbeatLimits,
  onSilence: () => void,
): Heartbeat {
  const tickMs = limits.pingIntervalMs / TICKS_PER_PING;
  const maxSilentTicks = Math.floor(limits.silenceLimitMs / tickMs);
  const probes = new Set<(isAlive: boolean) => void>();
  let silentTicks = 0;
  let ticks = 0;
  let cancel = clock.after(tickMs, tick);

  function tick(): void {
    silentTicks += 1;
    ticks += 1;
    if (silentTicks >= maxSilentTicks) return onSilence();
    if (ticks % TICKS_PER_PING === 0) socket.ping();
    cancel = clock.after(tickMs, tick);
  }

  const answerProbes = (isAlive: boolean) => {
    if (probes.size === 0) return;
    for (const answer of probes) answer(isAlive);
  };

  socket.onAlive(() => {
    silentTicks = 0;
    answerProbes(true);
  });

  return {
    probe(limitMs) {
      return new Promise((resolve) => {
        const answer = (isAlive: boolean) => {
          cancelLimit();
          probes.delete(answer);
          resolve(isAlive);
        };
        const cancelLimit = clock.after(limitMs, () => answer(false));
        probes.add(answer);
        socket.ping();
      });
    },
    stop() {
      cancel();
      answerProbes(false);
    },
  };
}
