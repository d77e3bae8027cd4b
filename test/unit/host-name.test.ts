import t from 'tap';
import { HOST_NAME, nameFor } from '../../control/app/hosts/host-name.ts';

const free = () => false;

t.test('a machine keeps its name where that can be one', async (t) => {
  for (const name of ['web-1', 'a', 'db.eu.example.com', '10-0-0-1']) t.equal(nameFor(name, free), name);
});

t.test('what cannot stand in a name is left out', async (t) => {
  const names = [
    ['Web-1', 'web-1'],
    ['my host_2', 'my-host-2'],
    ['-rf', 'rf'],
    ['../x', 'x'],
    ['\u202Egnp', 'gnp'],
    ['$(id)', 'id'],
    ['…', 'host'],
    ['', 'host'],
    [`${'a'.repeat(54)}.${'b'.repeat(200)}`, 'a'.repeat(54)],
  ] as const;
  for (const [hostname, name] of names) {
    t.equal(nameFor(hostname, free), name);
    t.match(name, HOST_NAME);
  }
});

t.test('a second one of the same name gets a number', async (t) => {
  const taken = new Set(['web', 'web-2']);
  t.equal(
    nameFor('WEB', (name) => taken.has(name)),
    'web-3',
  );
  t.match('a'.repeat(55) + '-1000000', HOST_NAME, 'there is room for it');
});

t.test('A08: what is no name', async (t) => {
  for (const name of ['', 'a; id', '-rf', '../x', 'a\0', 'Ü', 'a_b', 'a-', '.a', 'a'.repeat(64), 'host_abc', '😀']) {
    t.notMatch(name, HOST_NAME, JSON.stringify(name));
  }
});
