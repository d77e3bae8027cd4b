// Python: packages by uv, Poetry or pip into a virtual environment, then the web framework's usual server.
import { copy, OWNED, run, type Stage } from './dockerfile.ts';
import { firstLine, present, readToml, sectionOf, textIn } from './manifests.ts';
import { findEntry } from './python-entry.ts';
import type { Draft, Language, Repository } from './recipe.ts';
import { pickVersion } from './versions.ts';

/** Releases with an image; the first is taken when nobody asks for one. */
const VERSIONS = ['3.13', '3.14', '3.12', '3.11', '3.10', '3.9'] as const;
const PORT = 8000;
const SCRIPTS = ['main.py', 'app.py', 'server.py', 'start.py', 'bot.py', 'run.py', 'src/main.py'];
const MARKERS = ['requirements.txt', 'pyproject.toml', 'setup.py', 'manage.py', 'main.py', 'app.py'];
const VENV = ['RUN python -m venv /opt/venv', 'ENV VIRTUAL_ENV=/opt/venv PATH=/opt/venv/bin:$PATH'];

export const python: Language = {
  name: 'Python',
  markers: MARKERS,
  words: ['python', 'python3', 'gunicorn', 'uvicorn', 'hypercorn', 'daphne', 'flask', 'django-admin', 'streamlit'],
  draft(repository) {
    const [marker] = present(repository, MARKERS);
    if (marker === undefined) return undefined;
    const packages = packagesOf(repository);
    const { version, place } = versionOf(repository);
    const entry = findEntry(repository);
    const script = present(repository, SCRIPTS)[0];
    const command = entry?.command ?? (script === undefined ? undefined : ['python', script]);
    const server = entry && !dependenciesOf(repository).has(entry.server) ? [run('pip', 'install', entry.server)] : [];
    return {
      found: [packages?.file ?? marker, ...(entry ? [entry.found] : []), `Python ${version}${place}`],
      stages: stagesOf(version, packages?.tool, [...(packages?.lines ?? []), ...server]),
      env: { PATH: '/opt/venv/bin:$PATH', PYTHONUNBUFFERED: '1', HOME: '/app' },
      port: PORT,
      ...(command && { command }),
      lacks: `${marker}, but no Django, Flask or FastAPI application and none of ${SCRIPTS.join(', ')}`,
    } satisfies Draft;
  },
};

/** The tool stays outside of the environment, which is what is kept. */
const stagesOf = (version: string, tool: string | undefined, lines: string[]): Stage[] => [
  {
    image: `python:${version}`,
    name: 'build',
    lines: ['WORKDIR /app', ...(tool === undefined ? [] : [`RUN pip install ${tool}`]), ...VENV, ...lines],
  },
  {
    image: `python:${version}-slim`,
    lines: [`COPY --from=build /opt/venv /opt/venv`, `COPY ${OWNED} . /app`, 'WORKDIR /app'],
  },
];

interface Packages {
  file: string;
  tool?: 'uv' | 'poetry';
  lines: string[];
}

/** The most exact description of the packages wins. */
function packagesOf(repository: Repository): Packages | undefined {
  const { files } = repository;
  const project = readToml(repository, 'pyproject.toml');
  if (files.has('uv.lock')) {
    const sync = 'RUN UV_PROJECT_ENVIRONMENT=/opt/venv uv sync --frozen --inexact --no-dev --no-install-project';
    return { file: 'uv.lock', tool: 'uv', lines: [copy(['pyproject.toml', 'uv.lock'], './'), sync] };
  }
  if (files.has('poetry.lock') || sectionOf(project['tool'])['poetry'] !== undefined) {
    const manifests = present(repository, ['pyproject.toml', 'poetry.lock']);
    const install = 'RUN poetry install --only main --no-root --no-interaction';
    return { file: manifests.at(-1) ?? '', tool: 'poetry', lines: [copy(manifests, './'), install] };
  }
  if (files.has('requirements.txt')) return { file: 'requirements.txt', lines: byRequirements(repository) };
  const installable = project['project'] === undefined ? 'setup.py' : 'pyproject.toml';
  return files.has(installable) ? { file: installable, lines: ['COPY . .', 'RUN pip install .'] } : undefined;
}

/** A list that refers to other files is installed beside them. */
function byRequirements({ texts }: Repository): string[] {
  const isAlone = !/^[ \t]*(-[rce]|--(requirement|constraint|editable)|\.|file:)/m.test(
    texts.get('requirements.txt') ?? '',
  );
  const files = isAlone ? copy(['requirements.txt'], './') : 'COPY . .';
  return [files, 'RUN pip install --no-cache-dir -r requirements.txt'];
}

/** Names of packages as people write them anywhere: `Flask_Login[x]>=1` → `flask-login`. */
export function dependenciesOf(repository: Repository): Set<string> {
  const { project, tool } = readToml(repository, 'pyproject.toml');
  const listed = sectionOf(project)['dependencies'];
  const poetry = sectionOf(sectionOf(sectionOf(tool)['poetry'])['dependencies']);
  const lines = [
    ...(repository.texts.get('requirements.txt') ?? '').split('\n'),
    ...(Array.isArray(listed) ? listed.map(String) : []),
    ...Object.keys(poetry),
  ];
  const names = lines.map((line) => /^\s*([\w.-]+)/.exec(line)?.[1]?.toLowerCase().replace(/[_.]/g, '-'));
  return new Set(names.filter((name) => name !== undefined));
}

function versionOf(repository: Repository): { version: string; place: string } {
  const project = readToml(repository, 'pyproject.toml');
  const poetry = sectionOf(sectionOf(sectionOf(project['tool'])['poetry'])['dependencies']);
  const asked: [place: string, range: string | undefined][] = [
    ['.python-version', firstLine(repository, '.python-version')],
    ['runtime.txt', firstLine(repository, 'runtime.txt')?.replace(/^python-/, '')],
    ['pyproject.toml', textIn(sectionOf(project['project']), 'requires-python') ?? textIn(poetry, 'python')],
  ];
  const [place, range] = asked.find(([, text]) => text) ?? [];
  const fitting = pickVersion(range, VERSIONS);
  const reason = place === undefined ? '' : fitting === undefined ? `, none fits ${place}` : `, by ${place}`;
  return { version: fitting ?? VERSIONS[0], place: reason };
}
