// `npm run build [-- --arch x64,arm64] [--format gz,xz] [--version V] [--out FOLDER]`: a release of this checkout, in dist/release
// and under the version of package.json where nothing else is said.
import { join, resolve } from 'node:path';
import { inspect, parseArgs } from 'node:util';
import { LongshoreError } from '#shared/errors.ts';
import { ARCHITECTURES, FORMATS } from '#shared/release/manifest.ts';
import { isVersion } from '#shared/release/version.ts';
import { buildRelease, readVersion, type BuildOptions } from './build.ts';
import { ROOT } from './bundle.ts';
import { loadSigningKey } from './signing-key.ts';

const say = (line: string): void => void process.stderr.write(`${line}\n`);

function readOptions(argv: string[]): BuildOptions {
  const { arch, format, version = readVersion(ROOT), out } = readFlags(argv);
  return {
    root: ROOT,
    version: readVersionFlag(version),
    outDir: resolve(out ?? join(ROOT, 'dist/release')),
    architectures: readList('--arch', arch, ARCHITECTURES),
    formats: readList('--format', format, FORMATS),
    key: loadSigningKey(process.env['LONGSHORE_RELEASE_KEY'], join(ROOT, 'dist/release-key.pem'), say),
    say,
  };
}

function readFlags(args: string[]): { arch?: string; format?: string; version?: string; out?: string } {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({ args, options: { arch: text, format: text, version: text, out: text }, strict: true }).values;
  } catch (error) {
    throw new LongshoreError('config_invalid', { details: (error as Error).message, cause: error });
  }
}

function readVersionFlag(version: string): string {
  if (isVersion(version)) return version;
  throw new LongshoreError('config_invalid', { message: `--version is "${version}", it must be like 1.2.3` });
}

/** All where nothing is said. */
function readList<T extends string>(flag: string, text: string | undefined, known: readonly T[]): readonly T[] {
  const words = text?.split(',') ?? [];
  const unknown = words.find((word) => !known.some((it) => it === word));
  if (unknown === undefined) return text === undefined ? known : known.filter((it) => words.includes(it));
  const message = `${flag} is "${unknown}", it must be of ${known.join(', ')}`;
  throw new LongshoreError('config_invalid', { message });
}

const sayFault = ({ message, details }: LongshoreError): string => `${message}${details ? `: ${details}` : ''}`;

try {
  const options = readOptions(process.argv.slice(2));
  const { files } = await buildRelease(options);
  for (const { name, size, sha256 } of files) say(`${sha256}  ${name}  ${(size / 1e6).toFixed(1)} MB`);
  say(`the release is in ${options.outDir}`);
} catch (error) {
  say(error instanceof LongshoreError ? sayFault(error) : inspect(error));
  process.exitCode = 1;
}
