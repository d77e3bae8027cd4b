// How a promise that must fail failed: its error code, so that tests compare codes and never texts.
import { toLongshoreError } from '#shared/errors.ts';

/** The code of the rejection; `nothing` when there was none. */
export async function faultCode(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'nothing';
  } catch (error) {
    return toLongshoreError(error).code;
  }
}
