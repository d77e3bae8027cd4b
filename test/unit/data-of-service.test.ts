import t from 'tap';
import { dataOf } from '../../control/app/hosts/data-of-service.ts';

t.test('a service without mounts keeps nothing on its host', async (t) => {
  t.strictSame(dataOf('services:\n  web:\n    image: nginx\n    tmpfs: [/run]\n'), { volumes: [], folders: [] });
});

t.test('names the volumes and folders of all its parts once', async (t) => {
  const compose = `
services:
  db:
    image: postgres
    volumes:
      - data:/var/lib/postgresql/data
      - type: volume
        source: wal
        target: /wal
  web:
    image: nginx
    volumes: [data:/data:ro, ./conf:/etc/nginx, /srv/files:/files, /cache, {type: tmpfs, target: /tmp}]
volumes: {data: {}, wal: {}}
`;
  t.strictSame(dataOf(compose), { volumes: ['(unnamed)', 'data', 'wal'], folders: ['./conf', '/srv/files'] });
});

t.test('what is in a repository, or cannot be read, is not known', async (t) => {
  t.equal(dataOf(''), null);
  t.equal(dataOf('services: [web'), null);
});
