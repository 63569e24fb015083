/** A file, folder or symbolic link of an archive. A folder comes before what it holds. */
export interface ArchiveEntry {
  /** Relative, without a leading slash. */
  readonly path: string;
  /** The type and permission bits of stat(2). */
  readonly mode: number;
  /** The content of a file, the target of a link, empty for a folder. */
  readonly data: Uint8Array;
}

/** The three kinds of entries, as the upper bits of `mode`. */
export const entryKind = { folder: 0o040000, file: 0o100000, link: 0o120000 } as const;

const trailer: ArchiveEntry = { path: 'TRAILER!!!', mode: 0, data: new Uint8Array() };

/**
 * A cpio archive in the "newc" format, the one that Linux unpacks as its first file system
 * (Documentation/driver-api/early-userspace/buffer-format.rst of the kernel). Everything in it belongs to root.
 */
export function writeNewcArchive(entries: readonly ArchiveEntry[]): Buffer {
  return Buffer.concat([...entries, trailer].flatMap(writeEntry));
}

function writeEntry(entry: ArchiveEntry, index: number): readonly Uint8Array[] {
  const name = Buffer.from(`${entry.path}\0`);
  const links = entry === trailer ? 0 : 1;
  // ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check
  const fields = [index + 1, entry.mode, 0, 0, links, 0, entry.data.length, 0, 0, 0, 0, name.length, 0];
  const header = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`);
  return [header, name, padding(header.length + name.length), entry.data, padding(entry.data.length)];
}

/** Names and contents end on a multiple of four bytes. */
function padding(length: number): Uint8Array {
  return new Uint8Array((4 - (length % 4)) % 4);
}
