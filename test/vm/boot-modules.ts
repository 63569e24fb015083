/** What the guest needs before it has a file system: the bus, the channel, the shared files, the layer for writes. */
const wanted = ['virtio_pci', 'virtio_console', '9pnet_virtio', '9p', 'overlay'];

/**
 * The module files to load at boot, dependencies first, as paths below the folder of `modules.dep` (depmod(8):
 * "path: dependency dependency"). A wanted module that is not listed is part of the kernel image.
 */
export function orderBootModules(modulesDep: string): readonly string[] {
  const dependencies = new Map(modulesDep.split('\n').filter(Boolean).map(parseLine));
  const paths = new Map([...dependencies.keys()].map((path) => [moduleName(path), path]));
  const ordered = new Set<string>();
  const add = (path: string): void => {
    for (const needed of dependencies.get(path) ?? []) add(needed);
    ordered.add(path);
  };
  for (const name of wanted) {
    const path = paths.get(name);
    if (path !== undefined) add(path);
  }
  return [...ordered];
}

function parseLine(line: string): readonly [string, readonly string[]] {
  const colon = line.indexOf(':');
  return [
    line.slice(0, colon),
    line
      .slice(colon + 1)
      .split(' ')
      .filter(Boolean),
  ];
}

/** `kernel/fs/9p/9p.ko.xz` is called `9p`. */
export function moduleName(path: string): string {
  return (path.split('/').at(-1) ?? path).replace(/\.ko(\.\w+)?$/, '').replaceAll('-', '_');
}
