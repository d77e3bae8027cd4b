// Holds Docker's build cache to a limit after builds. Behind the job's back: no deploy waits for it or fails by it.
import type { Logger } from '#shared/log.ts';
import type { ImageStore } from '../docker/image-store.ts';

export interface BuildCacheDeps {
  store: Pick<ImageStore, 'trimBuildCache'>;
  /** Null: Docker's own limits are enough. */
  limitBytes: number | null;
  log: Logger;
}

/** The function to call after a build; one trim at a time, and one more for those that came meanwhile. */
export function createBuildCacheLimit({ store, limitBytes, log }: BuildCacheDeps): () => void {
  let running: Promise<void> | undefined;
  let isWanted = false;
  const trim = async (keptBytes: number) => {
    while (isWanted) {
      isWanted = false;
      try {
        const freedBytes = await store.trimBuildCache(keptBytes);
        if (freedBytes > 0) log.info({ freedBytes }, 'trimmed the build cache');
      } catch (error) {
        log.warn({ err: error }, 'could not trim the build cache');
      }
    }
    running = undefined;
  };
  return () => {
    if (limitBytes === null) return;
    isWanted = true;
    running ??= trim(limitBytes);
  };
}
