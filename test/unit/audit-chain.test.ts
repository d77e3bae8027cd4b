// The chain on its own: what it takes for sound, and what it finds.
import t from 'tap';
import { AUDIT_COLUMNS, chainHash, checkChain, EMPTY_HEAD, type AuditRow } from '../../control/store/audit-chain.ts';

/** Every column holds something, so that a change of any is a change. */
function row(seq: number, previous: string): AuditRow {
  const columns = Object.fromEntries(AUDIT_COLUMNS.map((column) => [column, `${column} ${seq}`]));
  const made = {
    ...(columns as Record<(typeof AUDIT_COLUMNS)[number], string>),
    seq,
    at: 1000 + seq,
    status: 200,
    omitted: 0,
  };
  return { ...made, hash: chainHash(previous, made) };
}

function chain(length: number): AuditRow[] {
  const rows: AuditRow[] = [];
  for (let seq = 1; seq <= length; seq++) rows.push(row(seq, rows.at(-1)?.hash ?? EMPTY_HEAD.hash));
  return rows;
}

const anchorOf = (rows: AuditRow[]) => ({ count: rows.length, hash: rows.at(-1)?.hash ?? EMPTY_HEAD.hash });

t.test('a chain that nobody touched is whole, also an empty one', async (t) => {
  const rows = chain(5);
  t.strictSame(checkChain(rows, anchorOf(rows)), { head: anchorOf(rows), fault: null });
  t.strictSame(checkChain([], undefined), { head: EMPTY_HEAD, fault: null });
});

t.test('a change of any column of any row is found at that row', async (t) => {
  const rows = chain(3);
  for (const [i, before] of rows.entries()) {
    for (const column of [...AUDIT_COLUMNS, 'hash'] as const) {
      for (const value of [`${before[column]}x`, null, 7]) {
        const changed = rows.with(i, { ...before, [column]: value });
        t.equal(checkChain(changed, anchorOf(rows)).fault?.seq, i + 1, `${column} of row ${i + 1} = ${value}`);
      }
    }
  }
});

t.test('a detail is part of the hash; a row from before there were any has the hash it had', async (t) => {
  const [old] = chain(1) as [AuditRow];
  const detail = '{"command":["id"]}';
  const detailed = { ...old, detail, hash: chainHash(EMPTY_HEAD.hash, { ...old, detail }) };
  t.not(detailed.hash, old.hash);
  t.equal(chainHash(EMPTY_HEAD.hash, { ...old, detail: null }), old.hash);
  t.equal(checkChain([detailed], anchorOf([detailed])).fault, null);
  for (const changed of ['{"command":["w"]}', null])
    t.equal(checkChain([{ ...detailed, detail: changed }], anchorOf([detailed])).fault?.seq, 1);
});

t.test('a row that is gone is found, also the last ones', async (t) => {
  const rows = chain(4);
  for (const i of rows.keys())
    t.equal(checkChain(rows.toSpliced(i, 1), anchorOf(rows)).fault?.seq, i + 1, `without row ${i + 1}`);
  t.match(checkChain(rows.slice(0, 2), anchorOf(rows)).fault, { seq: 3, reason: '2 rows are missing at the end' });
  t.match(checkChain([], anchorOf(rows)).fault, { seq: 1, reason: '4 rows are missing at the end' });
});

t.test('rows that changed places, came twice or were added are found', async (t) => {
  const rows = chain(3);
  const [first, second, third] = rows as [AuditRow, AuditRow, AuditRow];
  t.equal(checkChain([first, third, second], anchorOf(rows)).fault?.seq, 2);
  t.equal(checkChain([first, second, { ...second, seq: 3 }], anchorOf(rows)).fault?.seq, 3);
  t.match(checkChain([...rows, row(4, third.hash)], anchorOf(rows)).fault, { seq: 4, reason: /added/ });
  t.match(checkChain(rows, undefined).fault, { seq: 1, reason: /added/ }, 'a log without its noted head');
  t.match(checkChain(rows, { count: 3, hash: first.hash }).fault, { seq: 3 }, 'a noted head that was changed');
});

t.test('a log that was written anew in itself soundly misses the hash that was noted elsewhere', async (t) => {
  const rows = chain(4);
  const anew = chain(2);
  t.equal(checkChain(anew, anchorOf(anew)).fault, null, 'the chain alone cannot tell');
  t.match(checkChain(anew, anchorOf(anew), rows[3]?.hash).fault, { reason: /written anew/ });
  t.equal(checkChain(rows, anchorOf(rows), rows[1]?.hash).fault, null, 'the log has grown since the hash was noted');
  t.equal(checkChain(rows, anchorOf(rows), EMPTY_HEAD.hash).fault, null);
});
