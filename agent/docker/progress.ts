// What `docker compose --progress json` prints, as typed events: Compose's own rows on stderr, BuildKit's on stdout.
// A line that is not understood is a warning, never an error: the exit code decides.

export type ComposeEvent =
  | { kind: 'object'; type: 'Network' | 'Volume' | 'Container' | 'Image' | 'Service'; name: string; status: string }
  | { kind: 'build'; vertex: string; state: 'started' | 'done' | 'cached' | 'failed'; error: string | null }
  | { kind: 'build.log'; text: string }
  | { kind: 'warning' | 'error'; message: string };

type Row = {
  id?: string;
  text?: string;
  status?: string;
  error?: boolean;
  message?: string;
  level?: string;
  msg?: string;
};
type Vertex = { name?: string; started?: string; completed?: string; cached?: boolean; error?: string };
type BuildRow = { vertexes?: Vertex[]; logs?: { data?: string }[] };

const OBJECT = /^(Network|Volume|Container|Image) (.+)$/;
/** Before the progress writer is up, and in `config`, Compose logs `time=… level=warning msg="…"`. */
const LOGFMT = /level=(\w+) msg="((?:[^"\\]|\\.)*)"/;

/** A line of stderr. */
export function fromCompose(line: string): ComposeEvent | undefined {
  if (line === '') return undefined;
  const row = parseObject(line) as Row | undefined;
  if (!row) return fromText(line);
  if (row.error) return { kind: 'error', message: row.message ?? 'unknown error' };
  if (row.level) return { kind: row.level === 'error' ? 'error' : 'warning', message: row.msg ?? '' };
  const status = row.status ?? row.text ?? '';
  const object = OBJECT.exec(row.id ?? '');
  if (!object) return { kind: 'object', type: 'Service', name: row.id ?? '', status };
  return { kind: 'object', type: object[1] as 'Network', name: object[2] ?? '', status };
}

/** A line of stdout: one row of BuildKit may hold several events. */
export function fromBuild(line: string): ComposeEvent[] {
  const row = parseObject(line) as BuildRow | undefined;
  if (!row) return line === '' ? [] : [{ kind: 'warning', message: line }];
  const vertexes = (row.vertexes ?? []).map(fromVertex);
  const logs = (row.logs ?? []).map(({ data = '' }): ComposeEvent => {
    return { kind: 'build.log', text: Buffer.from(data, 'base64').toString('utf8') };
  });
  return [...vertexes, ...logs];
}

function fromVertex({ name = '', completed, cached, error }: Vertex): ComposeEvent {
  const state = error ? 'failed' : cached ? 'cached' : completed ? 'done' : 'started';
  return { kind: 'build', vertex: name, state, error: error ?? null };
}

function fromText(line: string): ComposeEvent {
  const logged = LOGFMT.exec(line);
  if (!logged) return { kind: 'warning', message: line };
  return { kind: logged[1] === 'error' ? 'error' : 'warning', message: (logged[2] ?? '').replaceAll('\\"', '"') };
}

function parseObject(line: string): unknown {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // half a line of a killed child
  }
}
