// Live events inside the process. They are published after the commit they tell of, and may be lost: whoever needs to
// know for sure reads the store.
import type { Logger } from '#shared/log.ts';
import type { Bus, LiveEvent } from './api/live.ts';

export function createBus(log: Logger): Bus {
  const listeners = new Set<(event: LiveEvent) => void>();
  return {
    publish(event) {
      for (const listener of listeners) {
        try {
          listener(event);
        } catch (error) {
          log.error({ err: error, type: event.type }, 'a listener of live events failed');
        }
      }
    },
    subscribe(listener) {
      const own = (event: LiveEvent) => listener(event);
      listeners.add(own);
      return () => listeners.delete(own);
    },
  };
}
