// A pull that failed, in words that lead out: which image, which registry, whose login, what to do. Never the password.
import { findLogin, serverOf } from '#shared/compose/image-name.ts';
import { LongshoreError } from '#shared/errors.ts';
import type { RegistryLogin } from '#shared/model.ts';
import { accessIn, baseImageIn } from './faults.ts';

export function pullFault(image: string, login: RegistryLogin | undefined, fault: LongshoreError): LongshoreError {
  const words = fault.details ?? '';
  const access = accessIn(words);
  const server = serverOf(image);
  if (access === 'refused' && login) {
    return new LongshoreError('registry_login_failed', {
      message: `Cannot pull image "${image}": registry "${server}" refuses the login of "${login.username}"`,
      details: joined(words, `Correct it with \`longshore registries update ${server}\`, then redeploy.`),
      cause: fault,
    });
  }
  const details = joined(words, access === 'open' ? '' : wayOut(server, login));
  const told = details === '' ? {} : { details };
  return new LongshoreError('image_unavailable', { message: `Cannot pull image "${image}"`, ...told, cause: fault });
}

/** A failed build, told as a failed pull where it was the base image that could not be had. */
export function buildFault(logins: readonly RegistryLogin[], fault: LongshoreError): LongshoreError {
  const base = baseImageIn(fault.details ?? '');
  if (!base) return fault;
  const { image, words } = base;
  return pullFault(image, findLogin(logins, image), new LongshoreError(fault.code, { details: words, cause: fault }));
}

/** Many registries say the same of what is not there and of what the caller may not read. */
const wayOut = (server: string, login: RegistryLogin | undefined): string =>
  login
    ? `Is the name right, and may "${login.username}" read it at registry "${server}"?`
    : `If it is private, add a login with \`longshore registries add ${server}\`, then redeploy.`;

const joined = (...lines: string[]): string => lines.filter((line) => line !== '').join('\n');
