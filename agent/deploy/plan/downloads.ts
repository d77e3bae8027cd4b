// What a deploy would fetch of images that are not here at all, and who is asked how much that is.
import { findLogin } from '#shared/compose/image-name.ts';
import type { RegistryLogin } from '#shared/model.ts';

export interface Download {
  reference: string;
  /** `linux/arm64`. */
  platform: string;
  login: RegistryLogin | undefined;
}

/** Asks registries for the compressed bytes of each, by reference, for a few seconds; what is not known is left out. */
export type MeasureDownloads = (
  downloads: readonly Download[],
  signal: AbortSignal,
) => Promise<ReadonlyMap<string, number>>;

interface Pull {
  reference: string;
  platform: string | undefined;
  isHere: boolean;
}

/** `architecture`: the host's. */
export const downloadsOf = (
  pulls: readonly Pull[],
  logins: readonly RegistryLogin[],
  architecture: string,
): Download[] =>
  pulls
    .filter(({ isHere }) => !isHere)
    .map(({ reference, platform = `linux/${architecture}` }) => {
      return { reference, platform, login: findLogin(logins, reference) };
    });
