/** Something in an archive. `path` has no leading slash; a folder's has no slash at its end. */
export interface TarEntry {
  readonly path: string;
  readonly kind: 'file' | 'folder' | 'link';
  /** Permission bits. */
  readonly mode: number;
  /** Octets of a file; 0 for others. */
  readonly size: number;
  /** Where a symbolic link leads; empty for others. */
  readonly target: string;
}

const blockSize = 512;
const typeFlags: Readonly<Record<TarEntry['kind'], string>> = { file: '0', link: '2', folder: '5' };

/**
 * The header of an entry (POSIX.1-1988, ustar). Everything belongs to root and was last changed at the epoch, so that the same
 * content is the same archive. Throws where the format has no room for a name. Pure.
 */
export function renderHeader({ path, kind, mode, size, target }: TarEntry): Buffer {
  const header = Buffer.alloc(blockSize);
  const [prefix, name] = splitPath(kind === 'folder' ? `${path}/` : path);
  if (Buffer.byteLength(target) > 100) throw new RangeError(`the target of the link ${path} is longer than 100 octets`);
  header.write(name, 0);
  const octal = (value: number, offset: number, length: number): void => {
    header.write(value.toString(8).padStart(length - 1, '0'), offset);
  };
  octal(mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(0, 136, 12);
  header.write(' '.repeat(8), 148);
  header.write(typeFlags[kind], 156);
  header.write(target, 157);
  header.write('ustar\u000000', 257);
  header.write(prefix, 345);
  const sum = header.reduce((total, octet) => total + octet, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

/** What fills the last block of a file of this size. */
export function renderPadding(size: number): Buffer {
  return Buffer.alloc((blockSize - (size % blockSize)) % blockSize);
}

/** What ends an archive. */
export const tarEnd = Buffer.alloc(2 * blockSize);

/** A name of more than 100 octets is cut at a slash: at most 155 before it. */
function splitPath(path: string): readonly [prefix: string, name: string] {
  if (Buffer.byteLength(path) <= 100) return ['', path];
  for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
    const [prefix, name] = [path.slice(0, slash), path.slice(slash + 1)];
    if (name !== '' && Buffer.byteLength(prefix) <= 155 && Buffer.byteLength(name) <= 100) return [prefix, name];
  }
  throw new RangeError(`the path ${path} does not fit into an archive`);
}
