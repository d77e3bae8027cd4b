// Takes symbols and debugging notes out of a 64-bit little-endian ELF program, which is a seventh of Node. By hand, because
// `strip` gives other bytes from one version to the next and seldom knows another machine's programs (decision 0031).
import { LongshoreError } from '#shared/errors.ts';

// The ELF-64 object file format: the header, and an entry of the table of sections.
const MAGIC = 0x464c457f;
const CLASS_64_LITTLE_ENDIAN = 0x0102;
const HEADER = { sectionTable: 0x28, sectionSize: 0x3a, sectionCount: 0x3c, nameSection: 0x3e };
const SECTION_BYTES = 64;
const SECTION = { type: 0x04, flags: 0x08, offset: 0x18, size: 0x20 };
const NOBITS = 8;
const ALLOCATED = 2n;
const TABLE_ALIGNMENT = 8;

interface Section {
  /** Its entry in the table. */
  entry: Buffer;
  start: number;
  /** Of its bytes in the file. */
  end: number;
  isLoaded: boolean;
}

/** The program with what is loaded when it runs, and the names of those sections. Throws `state_conflict` otherwise. */
export function stripElf(program: Buffer): Buffer {
  if (program.length < SECTION_BYTES || program.readUInt32LE(0) !== MAGIC) throw unfit('it is no ELF program');
  if (program.readUInt16LE(4) !== CLASS_64_LITTLE_ENDIAN) throw unfit('it is not of 64 bits, little-endian');
  const sections = readSections(program);
  const names = sections[program.readUInt16LE(HEADER.nameSection)];
  if (!names) throw unfit('its sections have no names');
  const kept = sections.slice(0, sections.findLastIndex(({ isLoaded }) => isLoaded) + 1);
  // The first is the empty one. References between sections are by number: what stays must keep its own.
  if (kept.slice(1).some(({ isLoaded }) => !isLoaded)) throw unfit('what to drop lies among what to keep');
  const end = Math.max(...kept.map((section) => section.end));
  if (sections.slice(kept.length).some(({ start }) => start < end))
    throw unfit('what to drop lies before what to keep');
  return assemble(program.subarray(0, end), kept, names, program);
}

function assemble(loaded: Buffer, kept: Section[], names: Section, program: Buffer): Buffer {
  const nameTable = program.subarray(names.start, names.end);
  const gap = Buffer.alloc(-(loaded.length + nameTable.length) & (TABLE_ALIGNMENT - 1));
  const nameEntry = Buffer.from(names.entry);
  nameEntry.writeBigUInt64LE(BigInt(loaded.length), SECTION.offset);
  const table = [...kept.map(({ entry }) => entry), nameEntry];
  const stripped = Buffer.concat([loaded, nameTable, gap, ...table]);
  stripped.writeBigUInt64LE(BigInt(loaded.length + nameTable.length + gap.length), HEADER.sectionTable);
  stripped.writeUInt16LE(table.length, HEADER.sectionCount);
  stripped.writeUInt16LE(kept.length, HEADER.nameSection);
  return stripped;
}

function readSections(program: Buffer): Section[] {
  const table = Number(program.readBigUInt64LE(HEADER.sectionTable));
  const count = program.readUInt16LE(HEADER.sectionCount);
  if (count === 0 || program.readUInt16LE(HEADER.sectionSize) !== SECTION_BYTES) throw unfit('it has no sections');
  return Array.from({ length: count }, (_, index) => {
    const start = table + index * SECTION_BYTES;
    return readSection(program.subarray(start, start + SECTION_BYTES));
  });
}

function readSection(entry: Buffer): Section {
  if (entry.length < SECTION_BYTES) throw unfit('its table of sections is cut off');
  const start = Number(entry.readBigUInt64LE(SECTION.offset));
  const isInFile = entry.readUInt32LE(SECTION.type) !== NOBITS;
  const end = isInFile ? start + Number(entry.readBigUInt64LE(SECTION.size)) : start;
  return { entry, start, end, isLoaded: (entry.readBigUInt64LE(SECTION.flags) & ALLOCATED) !== 0n };
}

const unfit = (why: string): LongshoreError =>
  new LongshoreError('state_conflict', { message: `Cannot strip the Node program: ${why}` });
