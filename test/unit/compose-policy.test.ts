// What the rules refuse, by section. Rows compare path and rule; the words are for people.
import t, { type Test } from 'tap';
import { parseCompose } from '#shared/compose/parse.ts';
import { judgeCompose, requireAllowed, type JudgeContext } from '#shared/compose/policy.ts';
import { DEFAULT_POLICY, policyFileSchema, withDefaults } from '#shared/compose/rules.ts';

const context = (given: Partial<JudgeContext> = {}): JudgeContext => ({
  rules: DEFAULT_POLICY.tenant,
  form: 'written',
  project: 'shop',
  projectDir: '/srv/services/shop',
  reservedPorts: [8080],
  ...given,
});

/** `path: rule` for each finding. */
const judge = (text: string, given: Partial<JudgeContext> = {}): string[] =>
  judgeCompose(parseCompose(text), context(given)).map(({ path, rule }) => `${path}: ${rule}`);

/** A file with one service `a` that has these keys, and these at the top. */
const file = (service: string, top = ''): string => `services: {a: {image: shop-a, ${service}}}\n${top}\n`;

/** Each row: keys of a service, the finding. All are refused to tenants and allowed to operators. */
function refusesTenants(t: Test, rows: [string, string, top?: string][]): void {
  for (const [keys, finding, top] of rows) {
    const text = file(keys, top);
    t.same(judge(text), [finding], keys);
    t.same(judge(text, { form: 'normalised' }), [finding], `${keys} (normalised)`);
    t.same(judge(text, { rules: DEFAULT_POLICY.operator }), [], `${keys} (operator)`);
  }
}

t.test('A39: what a document asks for is refused, also when a later one takes it back', async (t) => {
  const first = 'services: {a: {image: shop-a, extends: {file: ../x.yaml, service: b}}}';
  const second = 'services: {a: {extends: {file: own.yaml, service: b}, privileged: true}}';
  t.same(judge(`${first}\n---\n${second}`), [
    'services.a.extends.file: outsideFiles',
    'services.a.privileged: privileged',
    'services.a.extends.file: outsideFiles',
  ]);
});

t.test('A39: privileges, host namespaces and devices are refused to tenants, each with its path', async (t) => {
  refusesTenants(t, [
    ['privileged: true', 'services.a.privileged: privileged'],
    ['privileged: "yes"', 'services.a.privileged: privileged'],
    ['cap_add: [NET_ADMIN]', 'services.a.cap_add[0]: capAdd'],
    ['devices: [/dev/kvm]', 'services.a.devices: devices'],
    ['device_cgroup_rules: ["c 1:3 mr"]', 'services.a.device_cgroup_rules: devices'],
    ['gpus: all', 'services.a.gpus: devices'],
    [
      'deploy: {resources: {reservations: {devices: [{capabilities: [gpu]}]}}}',
      'services.a.deploy.resources.reservations.devices: devices',
    ],
    ['pid: host', 'services.a.pid: hostNamespaces'],
    ['pid: "container:other"', 'services.a.pid: hostNamespaces'],
    ['ipc: host', 'services.a.ipc: hostNamespaces'],
    ['network_mode: host', 'services.a.network_mode: hostNamespaces'],
    ['network_mode: "container:other"', 'services.a.network_mode: hostNamespaces'],
    ['userns_mode: host', 'services.a.userns_mode: hostNamespaces'],
    ['uts: host', 'services.a.uts: hostNamespaces'],
    ['cgroup: host', 'services.a.cgroup: hostNamespaces'],
    ['security_opt: ["seccomp:unconfined"]', 'services.a.security_opt[0]: securityOptions'],
    ['security_opt: ["no-new-privileges:false"]', 'services.a.security_opt[0]: securityOptions'],
    ['sysctls: {net.ipv4.ip_forward: 1}', 'services.a.sysctls: sysctls'],
    ['cgroup_parent: /', 'services.a.cgroup_parent: cgroupParent'],
    ['runtime: nvidia', 'services.a.runtime: runtime'],
    ['post_start: [{command: id, privileged: true}]', 'services.a.post_start[0].privileged: privileged'],
    ['oom_score_adj: -1000', 'services.a.oom_score_adj: serviceKeys'],
    ['external_links: [other]', 'services.a.external_links: serviceKeys'],
    ['some_future_key: 1', 'services.a.some_future_key: serviceKeys'],
    ['logging: {driver: syslog}', 'services.a.logging.driver: drivers'],
  ]);
});

t.test(
  'A40: mounts outside the folder, driver options and memory without a bound are refused to tenants',
  async (t) => {
    refusesTenants(t, [
      ['volumes: ["/:/host"]', 'services.a.volumes[0]: dockerSocket'], // the root holds the socket too
      ['volumes: ["/var/run/docker.sock:/s"]', 'services.a.volumes[0]: dockerSocket'],
      ['volumes: ["/run/../run/docker.sock:/s"]', 'services.a.volumes[0]: dockerSocket'],
      ['volumes: [{type: bind, source: /run, target: /r}]', 'services.a.volumes[0]: dockerSocket'],
      ['volumes: ["/etc:/e:ro"]', 'services.a.volumes[0]: bindMounts'],
      ['volumes: ["../other:/o"]', 'services.a.volumes[0]: bindMounts'],
      ['volumes: ["./a/../../b:/o"]', 'services.a.volumes[0]: bindMounts'],
      ['volumes: ["~/x:/o"]', 'services.a.volumes[0]: bindMounts'],
      ['volumes: [{type: bind, source: /srv/services/shopping, target: /o}]', 'services.a.volumes[0]: bindMounts'],
      ['volumes: [{type: npipe, source: x, target: /o}]', 'services.a.volumes[0]: drivers'],
      ['tmpfs: /tmp', 'services.a.tmpfs[0]: tmpfsBytes'],
      ['volumes: [".:/app"]', 'services.a.volumes[0]: bindMounts'], // Longshore's own files, to be rewritten
      ['volumes: ["./x/../revisions/1:/r"]', 'services.a.volumes[0]: bindMounts'],
      ['volumes: [{type: bind, source: ./rendered.json, target: /r}]', 'services.a.volumes[0]: bindMounts'],
      ['volumes: ["./judged.yaml:/j"]', 'services.a.volumes[0]: bindMounts'],
      ['tmpfs: ["/tmp:size=1m,size=2g"]', 'services.a.tmpfs[0]: tmpfsBytes'],
      ['networks: {n: {driver_opts: {a: b}}}', 'services.a.networks.n.driver_opts: drivers', 'networks: {n: {}}'],
      ['tmpfs: ["/tmp:size=2g"]', 'services.a.tmpfs[0]: tmpfsBytes'],
      ['volumes: [{type: tmpfs, target: /t}]', 'services.a.volumes[0]: tmpfsBytes'],
      ['volumes: [{type: tmpfs, target: /t, tmpfs: {size: 1099511627776}}]', 'services.a.volumes[0]: tmpfsBytes'],
      ['shm_size: 4g', 'services.a.shm_size: tmpfsBytes'],
      ['init: true', 'volumes.v.driver_opts: drivers', 'volumes: {v: {driver_opts: {type: none, o: bind, device: /}}}'],
      ['init: true', 'volumes.v.driver: drivers', 'volumes: {v: {driver: nfs}}'],
      ['init: true', 'networks.n.driver: drivers', 'networks: {n: {driver: macvlan}}'],
      // The host itself would reach that address in the container.
      ['init: true', 'networks.n.ipam: drivers', 'networks: {n: {ipam: {config: [{subnet: 9.9.9.0/24}]}}}'],
      ['init: true', 'networks.n.ipam: drivers', 'networks: {n: {ipam: {driver: dhcp}}}'],
    ]);
  },
);

t.test('A41: files that Compose would read outside the project are refused before it runs', async (t) => {
  refusesTenants(t, [
    ['env_file: /etc/longshore/env', 'services.a.env_file[0]: outsideFiles'],
    ['env_file: [ok.env, {path: ../x}]', 'services.a.env_file[1]: outsideFiles'],
    ['extends: {file: /etc/passwd, service: a}', 'services.a.extends.file: outsideFiles'],
    ['init: true', 'configs.c.file: outsideFiles', 'configs: {c: {file: /etc/shadow}}'],
    ['init: true', 'secrets.c.file: outsideFiles', 'secrets: {c: {file: ../../agent.key}}'],
    ['init: true', 'include[0]: outsideFiles', 'include: [../other/compose.yaml]'],
    ['init: true', 'include[0]: outsideFiles', 'include: ["https://example.com/compose.yaml"]'],
    ['init: true', 'include[0].env_file[0]: outsideFiles', 'include: [{env_file: /etc/environment}]'],
    ['init: true', 'include[0].path[0]: outsideFiles', 'include: [{path: own.yaml}]'],
    ['extends: {file: ./own.yaml, service: a}', 'services.a.extends.file: outsideFiles'],
    ['build: {context: /}', 'services.a.build.context: outsideBuilds'],
    ['build: ..', 'services.a.build: outsideBuilds'],
    ['build: "https://github.com/x/y.git"', 'services.a.build: outsideBuilds'],
    ['build: {context: ., dockerfile: ../../etc/passwd}', 'services.a.build.dockerfile: outsideFiles'],
    ['build: {context: ., additional_contexts: {x: /etc}}', 'services.a.build.additional_contexts[0]: outsideBuilds'],
    ['build: {context: ., ssh: ["default=/root/.ssh/id"]}', 'services.a.build.ssh: outsideBuilds'],
    ['build: {context: ., cache_to: ["type=local,dest=/etc"]}', 'services.a.build.cache_to: outsideBuilds'],
    ['build: {context: ., network: host}', 'services.a.build.network: outsideBuilds'],
    ['build: {context: ., entitlements: [security.insecure]}', 'services.a.build.entitlements: outsideBuilds'],
  ]);
});

t.test('A41: Compose decodes some texts, so that a path or a key could hide from whoever judges them', async (t) => {
  const hidden = (text: string) => `!!binary ${Buffer.from(text).toString('base64')}`;
  for (const text of [
    file(`env_file: ${hidden('/etc/longshore/env')}`),
    file(`env_file: [{${hidden('path')}: /etc/longshore/env}]`),
    file(`extends: {${hidden('file')}: /etc/passwd, service: a}`),
    file('init: true', `${hidden('include')}: [/etc/passwd]`),
    `%TAG !e! tag:yaml.org,2002:\n---\nservices: {a: {env_file: !e!binary L2V0Yy9wYXNzd2Q=}}`,
    'services: {a: {env_file: !<tag:yaml.org,2002:binary> L2V0Yy9wYXNzd2Q=}}',
    'services: {a: {env_file: !!set {/etc/passwd}}}',
  ])
    t.throws(() => judge(text), { code: 'compose_invalid', details: /tag/ }, text);
  t.same(judge(file('env_file: !kept /etc/passwd, command: !!str 1, labels: !reset {}')), [
    'services.a.env_file[0]: outsideFiles',
  ]);
});

t.test('A41: such a path with a variable is refused as long as it is not filled in', async (t) => {
  t.same(judge(file('env_file: "${WHERE}"')), ['services.a.env_file[0]: outsideFiles']);
  t.same(judge(file('env_file: "${WHERE}"'), { rules: DEFAULT_POLICY.operator }), []);
});

t.test('A45: labels of Compose and of Longshore are reserved for everybody', async (t) => {
  const rows: [string, string, string?][] = [
    ['labels: {com.docker.compose.project: other}', 'services.a.labels.com.docker.compose.project: reserved'],
    ['labels: ["longshore.service=svc_2"]', 'services.a.labels.longshore.service: reserved'],
    ['labels: {Longshore.Anything: x}', 'services.a.labels.Longshore.Anything: reserved'],
    ['deploy: {labels: {longshore.x: y}}', 'services.a.deploy.labels.longshore.x: reserved'],
    [
      'init: true',
      'volumes.v.labels.com.docker.compose.volume: reserved',
      'volumes: {v: {labels: {com.docker.compose.volume: x}}}',
    ],
    ['init: true', 'networks.n.labels.longshore.x: reserved', 'networks: {n: {labels: ["longshore.x=1"]}}'],
  ];
  for (const rules of [DEFAULT_POLICY.operator, DEFAULT_POLICY.tenant]) {
    for (const [keys, finding, top] of rows) t.same(judge(file(keys, top), { rules }), [finding], keys);
  }
});

t.test('A45: our own label passes once Compose has merged it, and only with the right id', async (t) => {
  const text = file('labels: {longshore.service: svc_1}');
  t.same(judge(text, { form: 'normalised', serviceId: 'svc_1' }), []);
  t.same(judge(text, { form: 'normalised', serviceId: 'svc_2' }).length, 1);
  t.same(judge(text, { form: 'written', serviceId: 'svc_1' }).length, 1);
});

t.test("A46: other projects' names, networks and volumes, and privileged ports are refused to tenants", async (t) => {
  refusesTenants(t, [
    ['container_name: other-db', 'services.a.container_name: foreignContainerNames'],
    ['volumes_from: ["container:other"]', 'services.a.volumes_from[0]: foreignResources'],
    ['init: true', 'networks.n.external: foreignResources', 'networks: {n: {external: true}}'],
    ['init: true', 'networks.n.name: foreignResources', 'networks: {n: {name: other_default}}'],
    ['init: true', 'volumes.v.external: foreignResources', 'volumes: {v: {external: true}}'],
    ['init: true', 'volumes.v.name: foreignResources', 'volumes: {v: {name: other_data}}'],
    ['ports: ["22:22"]', 'services.a.ports[0]: privilegedPorts'],
    ['ports: ["0.0.0.0:80:80"]', 'services.a.ports[0]: privilegedPorts'],
    ['ports: [{target: 53, published: "53", protocol: udp}]', 'services.a.ports[0]: privilegedPorts'],
    ['ports: ["2375:2375"]', 'services.a.ports[0]: deniedPorts'],
    ['ports: ["2300-2400:2300-2400"]', 'services.a.ports[0]: deniedPorts'],
  ]);
  t.same(judge('services: {a: {image: "redis:7", build: .}}'), ['services.a.image: foreignResources']);
});

t.test('A44: a few letters that mean thousands of containers or ports are refused to tenants', async (t) => {
  refusesTenants(t, [
    ['scale: 10000', 'services.a.scale: containers'],
    ['deploy: {replicas: "101"}', 'services.a.deploy.replicas: containers'],
    ['ports: ["20000-60000:20000-60000/udp"]', 'services.a.ports[0]: publishedPorts'],
    ['ports: ["20000-20200:1-201", "30000-30200:1-201"]', 'services.a.ports[1]: publishedPorts'],
    ['ports: [{target: 80, published: "20000-60000"}]', 'services.a.ports[0]: publishedPorts'],
  ]);
  const many = 'services: {a: {image: x, scale: 60}, b: {image: x, deploy: {replicas: 60}}}';
  t.same(judge(many), ['services.b.deploy.replicas: containers'], 'all services together');
  t.same(judge(file('scale: 100, ports: ["20000-20199:1-200", "80"]')), []);
});

t.test("A46: Longshore's own ports are refused to everybody", async (t) => {
  for (const rules of [DEFAULT_POLICY.operator, DEFAULT_POLICY.tenant]) {
    for (const port of [
      '"8080:80"',
      '"127.0.0.1:8080:80"',
      '"8000-8100:8000-8100"',
      '{target: 80, published: "8080"}',
    ]) {
      t.same(judge(file(`ports: [${port}]`), { rules }), ['services.a.ports[0]: reserved'], port);
    }
    t.same(judge(file('ports: ["8080:80/udp"]'), { rules }), [], 'another protocol');
  }
});

t.test('what an ordinary project asks for is allowed to tenants', async (t) => {
  const text = `
services:
  web:
    image: nginx:1
    container_name: shop-web
    ports: ["8081:80", "80", "127.0.0.1:9000:9000"]
    volumes: ["./conf:/etc/nginx:ro", "data:/data", "/anonymous", {type: bind, source: ./x, target: /x}, ".:/app:ro"]
    tmpfs: ["/run:size=64m"]
    security_opt: ["no-new-privileges:true"]
    network_mode: "service:db"
    env_file: [.env, {path: ./more.env, required: false}]
    logging: {driver: json-file}
    cap_drop: [ALL]
    pid: "service:db"
    privileged: false
    x-note: anything
  db: {image: "postgres:16", shm_size: 128m, labels: {traefik.enable: "true"}, depends_on: [web]}
  own: {build: {context: ./app, dockerfile: Dockerfile}, image: shop-own}
volumes: {data: {name: shop_data}}
networks: {default: {driver: bridge, ipam: {driver: default, config: []}}}
secrets: {s: {file: ./secret.txt}, e: {environment: TOKEN}}
`;
  t.same(judge(text), []);
});

t.test('A57: a value that holds a variable is not judged before the variable is filled in', async (t) => {
  const open = file(
    'privileged: "${P}", volumes: ["${D}:/d"], ports: ["${PORT}:80"], cap_add: ["$C"], shm_size: "${S}"',
  );
  t.same(judge(open), []);
  const filled = file('privileged: "true", volumes: ["/etc:/d"], ports: ["80:80"], cap_add: [SYS_ADMIN], shm_size: 9g');
  t.same(judge(filled, { form: 'normalised' }), [
    'services.a.privileged: privileged',
    'services.a.cap_add[0]: capAdd',
    'services.a.volumes[0]: bindMounts',
    'services.a.shm_size: tmpfsBytes',
    'services.a.ports[0]: privilegedPorts',
  ]);
});

t.test('findings become one 422 with a field for each path', async (t) => {
  const findings = judgeCompose(parseCompose(file('privileged: true, pid: host')), context());
  t.throws(() => requireAllowed(findings), {
    code: 'compose_policy',
    fields: {
      'services.a.privileged': 'privileged containers are not allowed (rule: privileged)',
      'services.a.pid': '"host" is outside the project (rule: hostNamespaces)',
    },
  });
  t.doesNotThrow(() => requireAllowed([]));
});

t.test('a policy file changes single rules of a section and leaves the rest', async (t) => {
  const file = policyFileSchema().parse({
    tenant: { capAdd: ['NET_ADMIN'], bindFolders: ['/srv/media'], privilegedPorts: true },
  });
  const { tenant, operator } = withDefaults(file);
  const text =
    'services: {a: {image: x, cap_add: [cap_net_admin], volumes: ["/srv/media/a:/m"], ports: ["80:80"], pid: host}}';
  t.same(judge(text, { rules: tenant }), ['services.a.pid: hostNamespaces']);
  t.same(operator, DEFAULT_POLICY.operator);
  t.notOk(policyFileSchema().safeParse({ tenant: { priviledged: true } }).success, 'a typo opens nothing');
});
