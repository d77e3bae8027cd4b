import { globSync, readFileSync } from 'node:fs';
import t from 'tap';
import { stripElf } from '../../cli/release/strip-elf.ts';

const HEADER_BYTES = 64;
const ENTRY_BYTES = 64;
const NAMES = Buffer.from('\0.text\0.bss\0.symtab\0.names\0');
const ALLOCATED = 2n;

interface Section {
  name: string;
  content: string | Buffer;
  isLoaded?: boolean;
  /** Takes room in memory and none in the file. */
  isEmpty?: boolean;
}

/** A program of 64 bits, little-endian: header, contents of the sections one after the other, their table. */
function program(sections: Section[]): Buffer {
  const all = [{ name: '', content: '' }, ...sections, { name: '.names', content: NAMES }];
  const header = Buffer.alloc(HEADER_BYTES);
  header.write('\x7fELF\x02\x01', 'latin1');
  const contents = all.map(({ content }) => Buffer.from(content));
  const starts = contents.map((_, at) => HEADER_BYTES + Buffer.concat(contents.slice(0, at)).length);
  const table = all.map((section, at) => entryOf(section, starts[at] ?? 0, contents[at]?.length ?? 0));
  header.writeBigUInt64LE(BigInt(HEADER_BYTES + Buffer.concat(contents).length), 0x28);
  header.writeUInt16LE(ENTRY_BYTES, 0x3a);
  header.writeUInt16LE(all.length, 0x3c);
  header.writeUInt16LE(all.length - 1, 0x3e);
  return Buffer.concat([header, ...contents, ...table]);
}

function entryOf({ name, isLoaded = false, isEmpty = false }: Section, start: number, size: number): Buffer {
  const entry = Buffer.alloc(ENTRY_BYTES);
  entry.writeUInt32LE(Math.max(0, NAMES.indexOf(`\0${name}\0`) + 1));
  entry.writeUInt32LE(isEmpty ? 8 : 1, 0x04);
  entry.writeBigUInt64LE(isLoaded ? ALLOCATED : 0n, 0x08);
  entry.writeBigUInt64LE(BigInt(start), 0x18);
  entry.writeBigUInt64LE(BigInt(isEmpty ? 4096 : size), 0x20);
  return entry;
}

/** Name and content of each section, as a loader or a debugger finds them. */
function read(elf: Buffer): [name: string, content: string][] {
  const table = Number(elf.readBigUInt64LE(0x28));
  const entries = Array.from({ length: elf.readUInt16LE(0x3c) }, (_, at) => elf.subarray(table + at * ENTRY_BYTES));
  const contentOf = (entry: Buffer) => {
    const start = Number(entry.readBigUInt64LE(0x18));
    return elf.subarray(start, start + Number(entry.readBigUInt64LE(0x20)));
  };
  const names = contentOf(entries[elf.readUInt16LE(0x3e)] ?? Buffer.alloc(0)).toString();
  const nameOf = (entry: Buffer) => names.slice(entry.readUInt32LE(0), names.indexOf('\0', entry.readUInt32LE(0)));
  return entries.map((entry) => [nameOf(entry), entry.readUInt32LE(4) === 8 ? '' : contentOf(entry).toString()]);
}

const TEXT = { name: '.text', content: 'machine code', isLoaded: true };
const BSS = { name: '.bss', content: '', isLoaded: true, isEmpty: true };
const SYMBOLS = { name: '.symtab', content: 'names of functions' };

t.test('what is loaded stays where it is, with its name; symbols go', async (t) => {
  const whole = program([TEXT, BSS, SYMBOLS]);
  const stripped = stripElf(whole);
  t.same(read(stripped), [
    ['', ''],
    ['.text', 'machine code'],
    ['.bss', ''],
    ['.names', NAMES.toString()],
  ]);
  const loadedBytes = HEADER_BYTES + TEXT.content.length;
  t.same(stripped.subarray(HEADER_BYTES, loadedBytes), whole.subarray(HEADER_BYTES, loadedBytes));
  t.ok(stripped.length < whole.length);
  t.notOk(stripped.includes(SYMBOLS.content));
  t.equal(stripped.readBigUInt64LE(0x28) % 8n, 0n, 'the table is aligned');
});

t.test('stripping twice is stripping once', async (t) => {
  const once = stripElf(program([TEXT, SYMBOLS]));
  t.same(stripElf(once), once);
});

t.test('the same for programs and libraries of any machine', async (t) => {
  const addons = globSync('node_modules/better-sqlite3/prebuilds/linux*-{x64,arm64}.node');
  t.ok(addons.length >= 2);
  for (const addon of addons) {
    const whole = readFileSync(addon);
    const stripped = stripElf(whole);
    t.ok(stripped.length <= whole.length, addon);
    t.same(stripElf(stripped), stripped);
  }
});

t.test('what it does not understand it does not touch', async (t) => {
  const cases: [elf: Buffer, why: RegExp][] = [
    [Buffer.from('#!/bin/sh\n'.repeat(10)), /no ELF program/],
    [Buffer.alloc(3), /no ELF program/],
    [Buffer.from(program([TEXT])).fill(1, 4, 5), /not of 64 bits/],
    [Buffer.from(program([TEXT])).fill(2, 5, 6), /not of 64 bits/],
    [Buffer.from(program([TEXT])).fill(0, 0x3c, 0x3e), /no sections/],
    [Buffer.from(program([TEXT])).fill(99, 0x3e, 0x40), /no names/],
    [program([TEXT]).subarray(0, -1), /cut off/],
    [program([SYMBOLS, TEXT]), /among what to keep/],
    [program([TEXT, SYMBOLS, BSS]), /among what to keep/],
  ];
  for (const [elf, why] of cases) t.throws(() => stripElf(elf), { code: 'state_conflict', message: why });
});
