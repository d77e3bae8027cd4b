// The web application in a Python repository, and the server that runs it.
import { moduleOf } from './names.ts';
import type { Repository } from './recipe.ts';

export interface Entry {
  found: string;
  /** The package of the server. */
  server: 'gunicorn' | 'uvicorn';
  command: string[];
}

/** Where applications usually are; read by read-repository.ts. */
export const APPLICATION_FILES = [
  ...['app', 'main', 'wsgi', 'asgi', 'server', 'application', 'run', 'index'].flatMap((name) =>
    ['', 'app/', 'src/', 'api/'].map((folder) => `${folder}${name}.py`),
  ),
  'app/__init__.py',
];

export const findEntry = (repository: Repository): Entry | undefined =>
  findDjango(repository) ?? findApplication(repository);

/** The project's name is in manage.py; its `wsgi.py` is what a server loads. */
function findDjango({ files, texts }: Repository): Entry | undefined {
  const settings = /['"]DJANGO_SETTINGS_MODULE['"]\s*,\s*['"]([\w.]+)['"]/.exec(texts.get('manage.py') ?? '')?.[1];
  const named = moduleOf(settings)?.split('.')[0];
  const candidates = named === undefined ? [] : [`${named}/wsgi.py`];
  const others = [...files].filter((file) => /^\w+\/wsgi\.py$/.test(file));
  const file = files.has('manage.py') ? [...candidates, ...others].find((one) => files.has(one)) : undefined;
  const module = moduleOf(file === undefined ? undefined : toModule(file));
  if (module === undefined) return undefined;
  return { found: `manage.py (Django, ${module})`, server: 'gunicorn', command: ['gunicorn', module] };
}

/** The first file that makes one: `app = Flask(__name__)`. */
function findApplication(repository: Repository): Entry | undefined {
  for (const file of APPLICATION_FILES) {
    const text = repository.texts.get(file);
    const module = moduleOf(toModule(file));
    if (text === undefined || module === undefined) continue;
    const [, name, framework] =
      /^([A-Za-z_]\w*)(?:[ \t]*:[ \t]*\w+)?[ \t]*=[ \t]*(Flask|FastAPI|Starlette)\(/m.exec(text) ?? [];
    if (name !== undefined && framework !== undefined) return entryOf(file, `${module}:${name}`, framework);
    if (/^def create_app\(/m.test(text) && /\bFlask\(/.test(text))
      return entryOf(file, `${module}:create_app()`, 'Flask');
  }
  return undefined;
}

/** Gunicorn reads PORT by itself; for uvicorn a shell fills it in, and gets the name as an argument, not as text. */
function entryOf(file: string, target: string, framework: string): Entry {
  const found = `${file} (${framework})`;
  if (framework === 'Flask') return { found, server: 'gunicorn', command: ['gunicorn', target] };
  const start = 'exec uvicorn --host 0.0.0.0 --port "$PORT" "$0"';
  return { found, server: 'uvicorn', command: ['sh', '-c', start, target] };
}

const toModule = (file: string): string => file.replace(/(\/__init__)?\.py$/, '').replaceAll('/', '.');
