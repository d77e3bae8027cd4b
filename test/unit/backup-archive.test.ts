// A64: what a snapshot from a repository elsewhere must not hold.
import t from 'tap';
import { LongshoreError } from '#shared/errors.ts';
import { ArchiveJudge, type ArchiveNode } from '../../agent/backup/archive-rules.ts';
import { toNode } from '../../agent/backup/restic-output.ts';

const ROOT = '/_data';
const folder = (path: string): ArchiveNode => ({ path, type: 'dir', size: 0, mode: 0o755 });
const file = (path: string, more: Partial<ArchiveNode> = {}): ArchiveNode => ({
  path,
  type: 'file',
  size: 1,
  mode: 0o644,
  ...more,
});

function verdict(nodes: readonly ArchiveNode[], limits = { bytes: 1_000, entries: 10 }): string {
  const judge = new ArchiveJudge(ROOT, limits);
  try {
    for (const node of [folder(ROOT), ...nodes]) judge.add(node);
    return 'fine';
  } catch (error) {
    return error instanceof LongshoreError && error.code === 'archive_rejected' ? (error.details ?? '') : String(error);
  }
}

t.test('files, folders, links, pipes and sockets of a volume are fine', async (t) => {
  const links = ['symlink', 'fifo', 'socket'].map((type) => file(`${ROOT}/${type}`, { type, size: 0 }));
  t.equal(verdict([folder(`${ROOT}/a`), file(`${ROOT}/a/b`), ...links]), 'fine');
  const shared = { ...folder(`${ROOT}/shared`), mode: 0x8040_01ed };
  t.equal(verdict([shared]), 'fine', 'a folder that gives its group on runs nothing');
});

const refused: Record<string, { nodes: ArchiveNode[]; why: string }> = {
  'a path that climbs': { nodes: [file(`${ROOT}/../x`)], why: `"${ROOT}/../x" is outside of the volume` },
  'an absolute path': { nodes: [file('/etc/passwd')], why: '"/etc/passwd" is outside of the volume' },
  'a folder whose name only begins alike': { nodes: [file('/_data2/x')], why: '"/_data2/x" is outside of the volume' },
  'a link in the place of the volume': {
    nodes: [file(ROOT, { type: 'symlink' })],
    why: `"${ROOT}" is outside of the volume`,
  },
  'a link, then a file below it': {
    nodes: [file(`${ROOT}/etc`, { type: 'symlink' }), file(`${ROOT}/etc/passwd`)],
    why: `"${ROOT}/etc/passwd" is in something that is no folder`,
  },
  'a device': { nodes: [file(`${ROOT}/sda`, { type: 'dev' })], why: `"${ROOT}/sda" is a dev` },
  'a character device': { nodes: [file(`${ROOT}/mem`, { type: 'chardev' })], why: `"${ROOT}/mem" is a chardev` },
  'a setuid program': {
    nodes: [file(`${ROOT}/sh`, { mode: 0x0080_01ed })],
    why: `"${ROOT}/sh" runs with the rights of its owner`,
  },
  'a setgid program': {
    nodes: [file(`${ROOT}/sh`, { mode: 0x0040_01ed })],
    why: `"${ROOT}/sh" runs with the rights of its owner`,
  },
  'the same name twice': { nodes: [file(`${ROOT}/a`), file(`${ROOT}/a`)], why: `"${ROOT}/a" is there twice` },
  'more than there is room for, holes or not': {
    nodes: [file(`${ROOT}/tb`, { size: 2 ** 40 })],
    why: `"${ROOT}/tb" has no room on the disk`,
  },
  'many small files that add up': {
    nodes: [file(`${ROOT}/a`, { size: 600 }), file(`${ROOT}/b`, { size: 600 })],
    why: `"${ROOT}/b" has no room on the disk`,
  },
  'too many entries': {
    nodes: Array.from({ length: 11 }, (_, i) => file(`${ROOT}/${i}`)),
    why: `"${ROOT}/10" is one entry too many: 10 are allowed`,
  },
};

for (const [what, { nodes, why }] of Object.entries(refused)) {
  t.test(`A64: ${what} is refused`, async (t) => t.equal(verdict(nodes), why));
}

t.test('what restic lists becomes what is judged', async (t) => {
  const line = { message_type: 'node', path: '/_data/a', type: 'file', size: 3, mode: 420, name: 'a' };
  t.strictSame(toNode(JSON.stringify(line)), { path: '/_data/a', type: 'file', size: 3, mode: 420 });
  t.equal(toNode('{"message_type":"snapshot","paths":[]}'), undefined);
});
