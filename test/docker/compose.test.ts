// Compose as a child process: what it is given, what it may not know, and how it ends.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { toDotenv } from '../../agent/deploy/dotenv.ts';
import { printRendered, type Rendered } from '../../agent/deploy/rendered.ts';
import { createCompose, findComposePlugin, type Compose, type ComposeTask } from '../../agent/docker/compose.ts';
import { reapOrphans, RUN_VARIABLE } from '../../agent/docker/orphan.ts';
import { parseCompose } from '#shared/compose/parse.ts';
import { toPlainYaml } from '#shared/compose/plain-yaml.ts';
import { toLongshoreError } from '#shared/errors.ts';
import { loadCases } from '../support/compose-corpus/fixture.ts';
import { SOCKET } from '../support/deploy-host.ts';
import { missingDocker } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { makeFolder } from '../support/folder.ts';

const skip = await missingDocker();

/** A folder with a compose file and an `.env`, and Compose to run there. */
function project(t: Test, files: Record<string, string>, configDeadlineMs = 20_000) {
  const directory = t.testdir(files);
  const binary = findComposePlugin(directory) ?? '';
  const compose = createCompose({
    binary,
    socketPath: SOCKET,
    home: directory,
    loginDir: join(directory, 'logins'),
    configDeadlineMs,
  });
  const run = { files: [join(directory, 'compose.yaml')], envFile: join(directory, '.env') };
  const config = async () => {
    const { json, warnings } = await compose.config({ name: 'shop', directory }, run);
    return {
      rendered: JSON.parse(json) as { services: Record<string, { environment: Record<string, string> }> },
      warnings,
    };
  };
  return { directory, compose, config };
}

// biome-ignore format: a table
const VALUES = [
  'plain', '', '  spaces  ', '#hash', 'a # b', "it's", 'say "hi"', `both ' and "`, 'a=b', 'tab\there', '`id`',
  'line\nbreak', 'cr\rhere', 'crlf\r\nhere', 'back\\slash', 'ends\\', 'ends\\\\', '\\n', "\\'", '\\"', '\\$X', '$X',
  '${X}', '$$', '${X:-d}', '\\\\$X', 'ü€😀', '\ufeff', '\u2028', '\u0001\u007f', 'a\u0085b', '!', '{{x}}', 'x\n privileged: true',
  '"; id', "'\\\n#\"$",
];

t.test('every value comes back from `.env` byte for byte', { skip }, async (t) => {
  const variables = Object.fromEntries(VALUES.map((value, index) => [`V${index}`, value]));
  const environment = Object.keys(variables).map((name) => `      ${name}: "\${${name}}"`);
  const text = `services:\n  web:\n    image: x\n    environment:\n${environment.join('\n')}\n`;
  const { config } = project(t, { 'compose.yaml': text, '.env': toDotenv(variables) });
  const { rendered, warnings } = await config();
  const read = Object.entries(rendered.services['web']?.environment ?? {}).map(([k, v]) => [
    k,
    v.replaceAll('$$', '$'),
  ]);
  t.same(Object.fromEntries(read), variables);
  t.same(warnings, []);
  const printed = printRendered(rendered as unknown as Rendered);
  t.strictSame(
    (await project(t, { 'compose.yaml': printed, '.env': '' }).config()).rendered,
    rendered,
    'and once more',
  );
});

t.test("A43: Compose knows nothing of the caller's environment", { skip }, async (t) => {
  process.env['LONGSHORE_TEST_CANARY'] = 'leaked';
  t.teardown(() => delete process.env['LONGSHORE_TEST_CANARY']);
  const text =
    'services: {web: {image: x, environment: {A: "${LONGSHORE_TEST_CANARY}", B: "${USER}", LONGSHORE_TEST_CANARY: }}}';
  const { config } = project(t, { 'compose.yaml': text, '.env': '' });
  const { rendered, warnings } = await config();
  t.same(rendered.services['web']?.environment, { A: '', B: '', LONGSHORE_TEST_CANARY: null });
  t.match(warnings.join('\n'), /"LONGSHORE_TEST_CANARY" variable is not set/);
});

t.test('A41: a file in plain YAML means the same, to Compose and to whoever judges it', { skip }, async (t) => {
  const cases = loadCases().filter(({ refused }) => refused === undefined);
  const { directory: home, compose } = project(t, {});
  const envFile = join(home, '.env');
  for (const { name, text, variables } of cases) {
    const files = fileURLToPath(new URL(`../fixtures/compose/${name}`, import.meta.url));
    const directory = existsSync(files) ? files : home;
    const render = async (content: string, file: string) => {
      writeFileSync(join(home, file), content);
      return (await compose.config({ name: 'shop', directory }, { files: [join(home, file)], envFile })).json;
    };
    writeFileSync(envFile, toDotenv(variables));
    const plain = toPlainYaml(text);
    t.strictSame(parseCompose(plain).root, parseCompose(text).root, name);
    t.equal(...(await Promise.all([render(plain, 'plain.yaml'), render(text, 'written.yaml')])), name);
  }
});

t.test('A57: a variable stays a value, whatever it looks like', { skip }, async (t) => {
  const evil = 'x\n    privileged: true\n    command: ["${B}"]';
  const text = 'services:\n  web:\n    image: "${A}"\n    labels: {b: "${B}"}\n';
  const { config } = project(t, { 'compose.yaml': text, '.env': toDotenv({ A: evil, B: '{{constructor}} ${A}' }) });
  const { rendered } = await config();
  t.match(rendered.services['web'], { image: evil.replaceAll('$', '$$$$'), labels: { b: '{{constructor}} $${A}' } });
  t.equal((rendered.services['web'] as { privileged?: boolean }).privileged, undefined);
});

t.test('what Compose refuses is `compose_invalid`, without paths of the host', { skip }, async (t) => {
  const { config, directory } = project(t, { 'compose.yaml': 'services: {a: {imag: x}}', '.env': '' });
  const error = await config().catch(toLongshoreError);
  t.match(error, { code: 'compose_invalid', details: /additional properties 'imag' not allowed/ });
  t.notOk(JSON.stringify(error).includes(directory));
});

t.test('A44: a file that expands without end is cut off', { skip }, async (t) => {
  const bomb = 'abcdefghijk'.split('').map((name, i, all) => {
    return `x-${name}: &${name} {${'123456789'
      .split('')
      .map((n) => `k${n}: ${i === 0 ? 'x' : `*${all[i - 1]}`}`)
      .join(', ')}}`;
  });
  const text = `${bomb.join('\n')}\nservices: {a: {image: x}}\n`;
  const { config } = project(t, { 'compose.yaml': text, '.env': '' }, 1_000);
  await t.rejects(config(), { code: 'yaml_resource_limit' });
});

/** Compose, replaced by a script: how our side behaves when the program does not. */
function scripted(
  t: Test,
  script: string,
): { compose: Compose; directory: string; up: (given?: Partial<ComposeTask>) => Promise<void> } {
  const directory = makeFolder(t, 'host');
  const binary = join(directory, 'compose');
  writeFileSync(binary, `#!/bin/sh\n${script}\n`);
  chmodSync(binary, 0o755);
  const compose = createCompose({ binary, socketPath: SOCKET, home: directory, loginDir: join(directory, 'logins') });
  const task = { files: [], envFile: '.env', deadlineMs: 30_000, onEvent: () => undefined };
  return { compose, directory, up: (given) => compose.up({ name: 'shop', directory }, { ...task, ...given }) };
}

/** Pids of processes that carry the folder's mark. */
const running = async (directory: string): Promise<boolean> => {
  const { readdir, readFile } = await import('node:fs/promises');
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const marks = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '')));
  return marks.some((text) => text.includes(`${RUN_VARIABLE}=${directory}\0`));
};

t.test('F51: past its deadline the whole process group is killed', async (t) => {
  const { up, directory } = scripted(t, 'sleep 300 & sleep 300');
  await t.rejects(up({ deadlineMs: 200 }), { code: 'timed_out' });
  await eventually(() => running(directory), { until: (is) => !is });
});

t.test('a cancel kills the group and is told as what it was', async (t) => {
  const { up, directory } = scripted(t, 'sleep 300');
  const cancel = new AbortController();
  const reason = new Error('cancelled by somebody');
  const outcome = t.rejects(up({ signal: cancel.signal }), reason);
  await eventually(() => running(directory));
  cancel.abort(reason);
  await outcome;
  t.notOk(await running(directory));
  await t.rejects(up({ signal: cancel.signal }), reason, 'and nothing starts after it');
});

t.test('F03: a child that somebody else kills is `interrupted`', async (t) => {
  const { up } = scripted(t, 'kill -9 $$');
  await t.rejects(up(), { code: 'interrupted', message: /SIGKILL/ });
});

t.test('messages of Compose get the code of what they say', async (t) => {
  const rows: [string, string][] = [
    ['Error response from daemon: Bind for 0.0.0.0:80 failed: port is already allocated', 'port_taken'],
    ['failed to bind host port for 0.0.0.0:80:172.17.0.2:80/tcp: address already in use', 'port_taken'],
    ['Error response from daemon: No such image: x:1', 'image_unavailable'],
    ['write /x: no space left on device', 'host_disk_full'],
    ['something new', 'apply_failed'],
  ];
  for (const [message, code] of rows) {
    const { up } = scripted(t, `echo '${JSON.stringify({ error: true, message })}' >&2; exit 1`);
    await t.rejects(up(), { code, details: message.replace('Error response from daemon: ', '') }, message);
  }
});

t.test('what an endless talker says is kept to its last words', async (t) => {
  const { up } = scripted(
    t,
    'i=0; while [ $i -lt 5000 ]; do echo "level=warning msg=\\"line $i of many, long enough to be a lot\\"" >&2; i=$((i+1)); done; exit 1',
  );
  await t.rejects(up(), { code: 'apply_failed', details: 'line 4999 of many, long enough to be a lot' });
});

t.test('what a killed agent left running in a folder is ended, with its children, and nothing else is', async (t) => {
  const directory = makeFolder(t, 'host');
  const start = (folder: string) => {
    return spawn('sh', ['-c', 'sleep 300 & sleep 300'], {
      env: { [RUN_VARIABLE]: folder, PATH: '/bin:/usr/bin' },
      detached: true,
    });
  };
  const [left, other] = [start(directory), start(`${directory}-2`)];
  t.teardown(() => process.kill(-(other.pid ?? 0), 'SIGKILL'));
  const ended = once(left, 'exit');
  await eventually(() => Promise.all([running(directory), running(`${directory}-2`)]), {
    until: (is) => is.every(Boolean),
  });
  t.ok((await reapOrphans(directory)) >= 1);
  await ended;
  t.notOk(await running(directory));
  t.ok(await running(`${directory}-2`));
  t.equal(await reapOrphans(directory), 0);
});
