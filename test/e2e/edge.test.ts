// Names of services from outside: a real Caddy on the host, a real BIND, certificates of Caddy's own authority.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { connect } from 'node:tls';
import { promisify } from 'node:util';
import t from 'tap';
import { Api } from '../support/api.ts';
import { KEY, startBind, ZONE } from '../support/bind.ts';
import { makeCertificateFiles } from '../support/certificate.ts';
import { runCli } from '../support/cli.ts';
import { docker, ensureEdge, ensureImages, requireDocker, uniqueProject } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { startUp } from '../support/up.ts';

const COMPOSE = `services:
  web:
    image: longshore-test/web:1
    expose: ["80"]
    stop_grace_period: 0s
`;

interface Domain {
  id: string;
  hostname: string;
  certificate: { state: string; source: string; issuer: string | null; error: string | null };
}

interface Answer {
  status: number;
  body: string;
  location: string | undefined;
}

/** As a visitor does whose DNS leads a name here; whoever made the certificate. */
function visit(port: number, hostname: string, sni = hostname): Promise<Answer> {
  const options = { host: '127.0.0.1', port, servername: sni, headers: { host: hostname }, rejectUnauthorized: false };
  return new Promise((resolve, reject) => {
    const sent = request({ ...options, path: '/', agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      const { statusCode: status = 0, headers } = response;
      response.on('end', () => resolve({ status, body, location: headers.location }));
    });
    sent.on('error', reject);
    sent.end();
  });
}

async function issuerOf(port: number, servername: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, servername, rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().issuer.CN));
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

void t.test('names of services', async (t) => {
  if (!(await requireDocker(t))) return;
  await Promise.all([ensureImages(), ensureEdge()]);
  const [http, https] = [await freePort(), await freePort()];
  const edgeProject = uniqueProject(t, 'edge');
  const up = await startUp(t, {
    LONGSHORE_BASE_DOMAIN: ZONE,
    LONGSHORE_ACME_DIRECTORY: 'internal',
    LONGSHORE_EDGE_IMAGE: 'longshore-test/edge:1',
    LONGSHORE_EDGE_PROJECT: edgeProject,
    LONGSHORE_EDGE_HTTP_PORT: `${http}`,
    LONGSHORE_EDGE_HTTPS_PORT: `${https}`,
  });
  const api = new Api(up.url, up.key);
  const name = uniqueProject(t, 'named');
  const input = { name, deploy_method: 'compose', compose: COMPOSE };
  const created = await api.post<{ id: string; deploy_job_id: string }>('/api/services', input);
  const { id, deploy_job_id: jobId } = created.body;
  t.match(await api.jobEnd(jobId), { state: 'succeeded' });
  const own = `${name}.${ZONE}`;
  const domains = async () => (await api.get<{ data: Domain[] }>(`/api/services/${id}/domains`)).body.data;
  const answers = (hostname: string, status = 200) =>
    eventually(() => visit(https, hostname), { until: (answer) => answer.status === status });

  await t.test('a service answers to its name, which is its url', async (t) => {
    t.match((await answers(own)).body, /v1/);
    t.match((await api.get(`/api/services/${id}`)).body, { url: `https://${own}` });
    const [domain] = await eventually(domains, { until: ([first]) => first?.certificate.state === 'issued' });
    t.match(domain, { hostname: own, certificate: { source: 'internal', issuer: /Caddy Local Authority/ } });
  });

  await t.test('HTTP leads to HTTPS; other names lead nowhere', async (t) => {
    const redirect = await fetch(`http://127.0.0.1:${http}/a?b=c`, {
      headers: { host: own },
      redirect: 'manual',
    }).catch(() => undefined);
    t.ok(redirect === undefined || redirect.status === 308);
    const curl = ['-s', '-o', '/dev/null', '-w', '%{http_code} %{redirect_url}', '-H', `Host: ${own}`];
    const { stdout } = await promisify(execFile)('curl', [...curl, `http://127.0.0.1:${http}/a?b=c`]);
    t.match(stdout, new RegExp(`^308 https://${own.replaceAll('.', '\\.')}(:${https})?/a\\?b=c$`));
    t.equal((await visit(https, 'other.example.org', own)).status, 404);
    await t.rejects(visit(https, 'other.example.org'), 'no certificate is made for strangers');
  });

  await t.test('a name of its own answers at once, with a certificate', async (t) => {
    const shop = `shop-${name}.example.org`;
    const { exitCode, stderr } = await runCli(['domains', 'add', name, shop], { env: up.env });
    t.equal(exitCode, 0, stderr);
    t.match((await answers(shop)).body, /v1/);
    const www = `www-${name}.example.org`;
    await api.post(`/api/services/${id}/domains`, { hostname: www, redirect_to: shop });
    t.equal((await answers(www, 308)).location, `https://${shop}/`);
  });

  await t.test('a certificate of its own is the one that is shown', async (t) => {
    const hostname = `own-${name}.example.org`;
    await runCli(['domains', 'add', name, hostname], { env: up.env });
    const { certFile, keyFile } = await makeCertificateFiles(t, hostname);
    const args = ['domains', 'certificate', name, hostname, '--cert', certFile, '--key', keyFile];
    t.equal((await runCli(args, { env: up.env })).exitCode, 0);
    await eventually(() => issuerOf(https, hostname), { until: (issuer) => issuer === 'ours' });
    t.equal((await visit(https, hostname)).status, 200);
    t.notMatch(
      JSON.stringify(await domains()),
      readFileSync(keyFile, 'utf8').split('\n')[1] ?? 'none',
      'its key is not told',
    );
  });

  await t.test('a certificate that Caddy does not take is told, and nobody else suffers', async (t) => {
    const hostname = `odd-${name}.example.org`;
    await runCli(['domains', 'add', name, hostname], { env: up.env });
    const more = ['-addext', '2.5.29.15=DER:0500']; // a null for its usages
    const { certFile, keyFile } = await makeCertificateFiles(t, hostname, { more });
    const args = ['domains', 'certificate', name, hostname, '--cert', certFile, '--key', keyFile];
    t.equal((await runCli(args, { env: up.env })).exitCode, 0);
    const odd = async () => (await domains()).find((domain) => domain.hostname === hostname)?.certificate;
    const failed = await eventually(odd, { until: (certificate) => certificate?.state === 'failed' });
    t.match(failed, { source: 'uploaded', error: /key usage/ });
    t.equal((await visit(https, own)).status, 200);
    t.equal((await answers(hostname)).status, 200, 'by a certificate that was asked for');
  });

  await t.test('a name is in DNS, and is gone with its service', async (t) => {
    const bind = await startBind(t);
    const access = {
      provider: 'rfc2136',
      server: `127.0.0.1:${bind.server.port}`,
      key_name: KEY.keyName,
      key_secret: KEY.secret,
    };
    await api.post('/api/dns-zones', { name: ZONE, access });
    const { exitCode, stderr } = await runCli(['hosts', 'edge', await hostName(api), '--address', '192.0.2.7'], {
      env: up.env,
    });
    t.equal(exitCode, 0, stderr);
    await eventually(() => bind.addresses(own), { until: ([first]) => first === '192.0.2.7' });
    const other = uniqueProject(t, 'gone');
    const job = (await api.post<{ id: string; deploy_job_id: string }>('/api/services', { ...input, name: other }))
      .body;
    await api.jobEnd(job.deploy_job_id);
    await eventually(() => bind.addresses(`${other}.${ZONE}`), { until: ({ length }) => length === 1 });
    await api.delete(`/api/services/${job.id}`);
    await eventually(() => bind.addresses(`${other}.${ZONE}`), { until: ({ length }) => length === 0 });
  });

  await t.test('after kill -9, and with containers that moved meanwhile, names lead to what is there', async (t) => {
    await up.kill();
    t.equal((await visit(https, own)).status, 200, 'the edge runs on');
    await docker(['rm', '-f', `${edgeProject}-caddy-1`]);
    await docker(['restart', '-t', '0', `${name}-web-1`]);
    await up.start();
    t.match((await answers(own)).body, /v1/);
  });

  await t.test('what is the edge’s own is nobody else’s: its ports, its name, its project', async (t) => {
    const refusalOf = async (given: object) => {
      const job = (await api.post<{ id: string; deploy_job_id: string }>('/api/services', { ...input, ...given })).body;
      const { error } = await api.jobEnd(job.deploy_job_id);
      await api.delete(`/api/services/${job.id}`);
      return error;
    };
    const compose = COMPOSE.replace('expose: ["80"]', `ports: ["${https}:80"]`);
    t.match(await refusalOf({ name: uniqueProject(t, 'port'), compose }), {
      code: 'compose_policy',
      details: /ports\[0\]/,
    });
    t.match(await refusalOf({ name: edgeProject }), { code: 'name_taken', message: /answers to names/ });
    const found = `/api/hosts/${await hostId(api)}/projects?search=${edgeProject}`;
    t.match((await api.get(found)).body, { total: 0 });
  });

  await t.test('an edge that is switched off is gone', async (t) => {
    t.equal((await runCli(['hosts', 'edge', await hostName(api), '--edge', 'none'], { env: up.env })).exitCode, 0);
    const running = () => docker(['ps', '-aq', '--filter', `label=com.docker.compose.project=${edgeProject}`]);
    await eventually(running, { until: (ids) => ids === '' });
    t.match((await api.get(`/api/services/${id}`)).body, { url: null });
  });
});

const hostOf = async (api: Api): Promise<{ id: string; name: string } | undefined> =>
  (await api.get<{ data: { id: string; name: string }[] }>('/api/hosts')).body.data[0];
const hostName = async (api: Api): Promise<string> => (await hostOf(api))?.name ?? '';
const hostId = async (api: Api): Promise<string> => (await hostOf(api))?.id ?? '';
