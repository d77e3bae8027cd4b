// Many callers who want the same service changed at once, over the real API and with real containers.
import t from 'tap';
import { Api, type Answer } from '../support/api.ts';
import { docker, ensureImages, requireDocker, uniqueProject } from '../support/docker.ts';
import { startUp } from '../support/up.ts';

const CALLERS = 50;
/** They come back until so many were let in. */
const TAKEN = 4;
const COMPOSE =
  'services: {web: {image: "longshore-test/web:1", environment: {TURN: "${TURN}"}, stop_grace_period: 1s}}';

interface Refusal {
  error: { code: string; details: string };
}

interface JobTimes {
  id: string;
  state: string;
  started_at: string | null;
  finished_at: string;
}

const containersOf = async (project: string): Promise<string[]> => {
  const listed = await docker(['ps', '-aq', '--filter', `label=com.docker.compose.project=${project}`]);
  return listed.split('\n').filter(Boolean);
};

void t.test('F47: of many who deploy one service at once, one at a time does', async (t) => {
  if (!(await requireDocker(t))) return;
  await ensureImages();
  const up = await startUp(t);
  const api = new Api(up.url, up.key);
  const name = uniqueProject(t, 'contested');
  const created = await api.post<{ id: string; deploy_job_id: string }>('/api/services', {
    name,
    deploy_method: 'compose',
    compose: COMPOSE,
    variables: { TURN: 'first' },
  });
  const path = `/api/services/${created.body.id}`;
  const firstJob = created.body.deploy_job_id;
  t.match(await api.jobEnd(firstJob), { state: 'succeeded' });

  /** All at once; resolves with the turns that got a job. Everyone else was told who is in the way. */
  const rush = async (round: string): Promise<{ turn: string; jobId: string }[]> => {
    const turns = Array.from({ length: CALLERS }, (_, i) => `${round}-${i}`);
    const patch = (TURN: string) => api.call<object>('PATCH', path, { variables: { TURN } });
    const answers = await Promise.all(turns.map(patch));
    const jobIdOf = ({ body }: Answer<object>) => (body as { deploy_job_id: string }).deploy_job_id;
    const taken = turns.flatMap((turn, i) => {
      const answer = answers[i];
      return answer && answer.status < 300 ? [{ turn, jobId: jobIdOf(answer) }] : [];
    });
    for (const { status, body } of answers.filter((answer) => answer.status >= 300)) {
      if (status === 404) continue; // it was deleted meanwhile
      const { code, details } = (body as Refusal).error;
      t.equal(status, 409);
      // Whoever had looked before the first of them wrote is told that it is another service by now.
      if (code !== 'state_conflict') t.match({ code, details }, { code: 'service_busy', details: /^Job job_\w+ is/ });
    }
    return taken;
  };
  const jobs = async () =>
    (await api.get<{ data: JobTimes[] }>(`/api/jobs?service_id=${created.body.id}&per_page=100`)).body.data;

  await t.test('deploys beside deploys', async (t) => {
    const taken: Awaited<ReturnType<typeof rush>> = [];
    for (let round = 0; taken.length < TAKEN; round++) taken.push(...(await rush(`round-${round}`)));
    for (const { jobId } of taken) t.match(await api.jobEnd(jobId), { state: 'succeeded' });
    const ran = (await jobs()).toSorted((a, b) => (a.finished_at < b.finished_at ? -1 : 1));
    t.equal(ran.length, taken.length + 1, 'nobody else has made a job');
    for (const [i, job] of ran.entries()) {
      const next = ran[i + 1];
      if (next) t.ok(String(next.started_at) >= job.finished_at, 'one begins when the one before it has ended');
    }
    const events = await api.get<{ data: { job_id: string | null }[] }>(`${path}/events?per_page=100&type=deploy`);
    for (const { id } of ran) {
      t.equal(events.body.data.filter((event) => event.job_id === id).length, 1, 'each ends once');
    }
    const [container = '', ...others] = await containersOf(name);
    t.strictSame(others, []);
    const env = await docker(['inspect', '--format', '{{join .Config.Env " "}}', container]);
    const last = taken.find(({ jobId }) => jobId === ran.at(-1)?.id);
    t.match(env, `TURN=${last?.turn}`, 'what runs is what the last of them asked for');
    t.match((await api.get(path)).body, { status: 'running' });
  });

  await t.test('a delete in the middle of them', async (t) => {
    const [taken, gone] = await Promise.all([rush('last'), api.delete(path)]);
    t.equal(gone.status, 204);
    for (const { jobId } of taken) t.match((await api.jobEnd(jobId)).state, /^(succeeded|superseded)$/);
    t.match(await api.get(path), { status: 404 });
    t.strictSame(await containersOf(name), [], 'and nothing of them is left');
    t.equal(await docker(['network', 'ls', '-q', '--filter', `label=com.docker.compose.project=${name}`]), '');
  });
});
