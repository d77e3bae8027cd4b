// PHP: Apache with mod_php, which serves plain pages and front controllers alike.
import { copy, installPackages, OWNED, type Stage } from './dockerfile.ts';
import { present, readJson, sectionOf, textIn } from './manifests.ts';
import type { Draft, Language, Repository } from './recipe.ts';
import { pickVersion } from './versions.ts';

const VERSIONS = ['8.4', '8.3', '8.2', '8.1'] as const;
const PORT = 8080;
/** Where the front controller is; the folder above then stays out of reach. */
const ROOTS = ['public', 'web', 'htdocs', '.'];
/** Asked for by `ext-…` in composer.json, with the packages they are compiled against. */
const EXTENSIONS: Record<string, string> = {
  bcmath: '',
  exif: '',
  gd: 'libpng-dev libjpeg62-turbo-dev libfreetype6-dev',
  intl: 'libicu-dev',
  mysqli: '',
  pcntl: '',
  pdo_mysql: '',
  pdo_pgsql: 'libpq-dev',
  pgsql: 'libpq-dev',
  soap: 'libxml2-dev',
  sockets: '',
  zip: 'libzip-dev',
};
/** Nearly every application talks to a database, and few say so. */
const ALWAYS = ['mysqli', 'pdo_mysql'];

export const php: Language = {
  name: 'PHP',
  markers: ['composer.json', 'index.php'],
  words: ['php', 'apache2-foreground', 'heroku-php-apache2', 'heroku-php-nginx'],
  draft(repository) {
    const markers = present(repository, ['composer.json', 'index.php']);
    if (markers.length === 0) return undefined;
    const root = ROOTS.find((folder) => repository.files.has(folder === '.' ? 'index.php' : `${folder}/index.php`));
    const asked = textIn(sectionOf(readJson(repository, 'composer.json')['require']), 'php');
    const fitting = pickVersion(asked?.replace(/~(?!>)/g, '~>'), VERSIONS);
    const place = asked === undefined ? '' : fitting === undefined ? ', none fits composer.json' : ', by composer.json';
    const version = fitting ?? VERSIONS[0];
    const hasComposer = repository.files.has('composer.json');
    return {
      found: [...markers, ...(root === undefined ? [] : [`pages in ${root}`]), `PHP ${version}${place}`],
      stages: [...(hasComposer ? [vendorStage(repository)] : []), apacheStage(version, repository, root ?? '.')],
      port: PORT,
      user: 33, // the image's www-data
      ...(root !== undefined && { command: ['apache2-foreground'] }),
      lacks: `composer.json, but no index.php at the top or in ${ROOTS.slice(0, -1).join(', ')}`,
    } satisfies Draft;
  },
};

/** The extensions are in the last stage, so Composer has to believe in them. */
function vendorStage(repository: Repository): Stage {
  const manifests = present(repository, ['composer.json', 'composer.lock']);
  const flags = '--no-dev --no-interaction --prefer-dist --ignore-platform-reqs';
  const install = `RUN composer install ${flags} --no-scripts --no-autoloader`;
  // Packages that lie in the repository itself.
  const refersToFiles = /"type"\s*:\s*"(path|artifact)"/.test(repository.texts.get('composer.json') ?? '');
  return {
    image: 'composer:2.8',
    name: 'build',
    lines: [
      'WORKDIR /app',
      ...(refersToFiles ? ['COPY . .', install] : [copy(manifests, './'), install, 'COPY . .']),
      'RUN composer dump-autoload --no-dev --no-scripts --optimize',
    ],
  };
}

function apacheStage(version: string, repository: Repository, root: string): Stage {
  const required = Object.keys(sectionOf(readJson(repository, 'composer.json')['require']));
  const extensions = Object.keys(EXTENSIONS).filter(
    (name) => ALWAYS.includes(name) || required.includes(`ext-${name}`),
  );
  const packages = [...new Set(extensions.flatMap((name) => EXTENSIONS[name]?.split(' ') ?? []))].filter(Boolean);
  const install = `docker-php-ext-install ${extensions.join(' ')} && a2enmod rewrite`;
  const documents = root === '.' ? '/app' : `/app/${root}`;
  const files = repository.files.has('composer.json') ? '--from=build /app /app' : '. /app';
  return {
    image: `php:${version}-apache`,
    lines: [
      ...(packages.length === 0 ? [] : [installPackages(packages)]),
      `RUN ${install}`,
      `RUN sed -i 's|/var/www/html|${documents}|; s|:80>|:\${PORT}>|' /etc/apache2/sites-available/000-default.conf \\`,
      "  && sed -i 's|Listen 80|Listen ${PORT}|' /etc/apache2/ports.conf \\",
      "  && sed -i 's|/var/www/|/app/|' /etc/apache2/apache2.conf /etc/apache2/conf-available/docker-php.conf",
      `COPY ${OWNED.replaceAll('1000', '33')} ${files}`,
      'WORKDIR /app',
    ],
  };
}
