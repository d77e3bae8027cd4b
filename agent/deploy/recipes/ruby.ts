// Ruby: Rails and everything else that speaks Rack.
import { copy, installPackages, OWNED } from './dockerfile.ts';
import { firstLine, present } from './manifests.ts';
import type { Draft, Language, Repository } from './recipe.ts';
import { pickVersion } from './versions.ts';

const VERSIONS = ['3.4', '3.3', '3.2', '3.1'] as const;
const PORT = 3000;
/** Libraries that these gems load when they run; the slim image has none of them. */
const LIBRARIES: Record<string, string> = {
  pg: 'libpq5',
  mysql2: 'libmariadb3',
  sqlite3: 'libsqlite3-0',
  'ruby-vips': 'libvips42',
  image_processing: 'libvips42',
};

export const ruby: Language = {
  name: 'Ruby',
  markers: ['Gemfile'],
  words: ['ruby', 'bundle', 'rails', 'rackup', 'puma', 'rake'],
  draft(repository) {
    if (!repository.files.has('Gemfile')) return undefined;
    const { version, place } = versionOf(repository);
    const gems = gemsOf(repository);
    const isRails = gems.has('rails') && repository.files.has('config/application.rb');
    const command = commandOf(repository, gems, isRails);
    const libraries = [
      ...new Set(Object.keys(LIBRARIES).flatMap((gem) => (gems.has(gem) ? (LIBRARIES[gem] ?? []) : []))),
    ];
    return {
      found: [
        ...present(repository, ['Gemfile', 'Gemfile.lock']),
        ...(isRails ? ['Rails'] : []),
        `Ruby ${version}${place}`,
      ],
      stages: [
        { image: `ruby:${version}`, name: 'build', lines: buildLines(repository, isRails) },
        {
          image: `ruby:${version}-slim`,
          lines: [
            ...(libraries.length === 0 ? [] : [installPackages(libraries)]),
            'COPY --from=build /usr/local/bundle /usr/local/bundle',
            `COPY --from=build ${OWNED} /app /app`,
            'WORKDIR /app',
          ],
        },
      ],
      env: { BUNDLE_WITHOUT: 'development:test', RACK_ENV: 'production', RAILS_ENV: 'production', HOME: '/app' },
      port: PORT,
      ...(command && { command }),
      lacks: 'Gemfile, but neither Rails nor a config.ru',
    } satisfies Draft;
  },
};

function buildLines(repository: Repository, isRails: boolean): string[] {
  const manifests = present(repository, ['Gemfile', 'Gemfile.lock', '.ruby-version']);
  const refersToFiles = /\bpath\b|\bgemspec\b|eval_gemfile/.test(repository.texts.get('Gemfile') ?? '');
  const hasAssets = isRails && [...repository.files].some((file) => file.startsWith('app/assets/'));
  return [
    'WORKDIR /app',
    'ENV BUNDLE_WITHOUT=development:test',
    ...(refersToFiles ? ['COPY . .', 'RUN bundle install'] : [copy(manifests, './'), 'RUN bundle install', 'COPY . .']),
    // Rails makes up a secret for this one command.
    ...(hasAssets ? ['RUN RAILS_ENV=production SECRET_KEY_BASE_DUMMY=1 bundle exec rails assets:precompile'] : []),
  ];
}

function commandOf({ files }: Repository, gems: ReadonlySet<string>, isRails: boolean): string[] | undefined {
  if (isRails) return ['bundle', 'exec', 'rails', 'server', '--binding', '0.0.0.0']; // reads PORT
  if (!files.has('config.ru')) return undefined;
  const server = gems.has('puma') ? 'puma --bind "tcp://0.0.0.0:$PORT"' : 'rackup --host 0.0.0.0 --port "$PORT"';
  return ['sh', '-c', `exec bundle exec ${server}`];
}

const gemsOf = ({ texts }: Repository): Set<string> =>
  new Set([...(texts.get('Gemfile') ?? '').matchAll(/^[ \t]*gem[ (]+['"]([\w-]+)['"]/gm)].map(([, name = '']) => name));

/** Bundler insists on the exact release that a Gemfile names. */
function versionOf(repository: Repository): { version: string; place: string } {
  const inGemfile = /^[ \t]*ruby[ \t]+['"]([^'"\n]+)['"]/m.exec(repository.texts.get('Gemfile') ?? '')?.[1];
  const place = inGemfile === undefined ? '.ruby-version' : 'Gemfile';
  const asked = inGemfile ?? firstLine(repository, '.ruby-version')?.replace(/^ruby-/, '');
  if (!asked) return { version: VERSIONS[0], place: '' };
  if (/^\d\.\d{1,2}\.\d{1,2}$/.test(asked)) return { version: asked, place: `, by ${place}` };
  const fitting = pickVersion(asked, VERSIONS);
  return { version: fitting ?? VERSIONS[0], place: fitting === undefined ? `, none fits ${place}` : `, by ${place}` };
}
