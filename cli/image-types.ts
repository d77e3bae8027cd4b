// Newer images and prunes, as far as the commands read them.
import type { Weekday } from '#shared/auto-update.ts';
import type { ImageState } from '#shared/image-updates.ts';

export interface AutoUpdate {
  window: { days?: Weekday[]; start: string; duration_minutes: number; time_zone: string };
}

export interface ImageUpdate {
  service: string;
  image: string;
  state: ImageState;
  newest_digest: string | null;
  reason: string | null;
}

export interface CheckedUpdates {
  update_available: boolean | null;
  updates: ImageUpdate[];
}

export interface Pruned {
  dry_run: boolean;
  images: { id: string; tags: string[]; size_bytes: number }[];
  images_freed_bytes: number;
  build_cache_freed_bytes: number;
  protected: number;
  recent: number;
  left: number;
}
