// `longshore hosts prune`: removes images that nothing on a host needs.
import type { Argv } from 'yargs';
import { type Session } from './command.ts';
import { parseDuration } from './duration.ts';
import type { Pruned } from './image-types.ts';
import { inMegabytes } from './megabytes.ts';
import { hostArgument, requireIdByName } from './names.ts';
import type { Column } from './table.ts';

export const pruneOptions = (yargs: Argv) =>
  hostArgument(yargs)
    .option('dry-run', { type: 'boolean', default: false, describe: 'Show what would go, and remove nothing' })
    .option('images', { choices: ['unused', 'dangling', 'none'] as const, describe: 'Which images (unused)' })
    .option('older-than', { type: 'string', requiresArg: true, describe: 'Images named later stay, in hours (24h)' })
    .option('build-cache', { type: 'boolean', default: false, describe: 'Empty the build cache as well' });

const HOUR_MS = 3_600_000;

interface PruneArgs {
  host: string;
  dryRun: boolean;
  images?: string | undefined;
  olderThan?: string | undefined;
  buildCache: boolean;
}

export async function prune({ client, output }: Session, args: PruneArgs): Promise<void> {
  const { host, dryRun, images, olderThan, buildCache } = args;
  const id = await requireIdByName(client, 'host', host);
  const { body } = await client.send<Pruned>('POST', `/api/hosts/${id}/prune`, {
    body: {
      dry_run: dryRun,
      build_cache: buildCache,
      ...(images !== undefined && { images }),
      ...(olderThan !== undefined && { older_than_hours: parseHours(olderThan) }),
    },
  });
  if (output.isJson) return output.json(body);
  output.table(COLUMNS, body.images);
  output.note(inWords(body));
}

/** A part of an hour counts as one: more stays. */
const parseHours = (text: string): number => Math.ceil(parseDuration(text, '--older-than') / HOUR_MS);

type PrunedImage = Pruned['images'][number];

const COLUMNS: Column<PrunedImage>[] = [
  { title: 'IMAGE', cell: ({ id }) => id.replace(/^sha256:/, '').slice(0, 12) },
  { title: 'SIZE', cell: ({ size_bytes: bytes }) => inMegabytes(bytes) },
  { title: 'TAGS', cell: ({ tags }) => tags.join(' ') },
];

function inWords(pruned: Pruned): string {
  const bytes = pruned.images_freed_bytes + pruned.build_cache_freed_bytes;
  const stays = [
    pruned.protected > 0 ? `${pruned.protected} kept for rollbacks` : '',
    pruned.recent > 0 ? `${pruned.recent} too new` : '',
    pruned.left > 0 ? `${pruned.left} in use by now` : '',
  ].filter((text) => text !== '');
  const verb = pruned.dry_run ? 'would free' : 'freed';
  return [`${verb} at least ${inMegabytes(bytes)}`, ...stays].join('; ');
}
