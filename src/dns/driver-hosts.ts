import { readFileSync, statSync } from 'node:fs';
import type { Clock } from '../model/mod.ts';
import { createHosts } from './hosts.ts';
import type { Hosts } from './hosts.ts';
import type { HostsSettings } from './settings.ts';

/** A hosts table that follows its file. */
export interface WatchedHosts extends Hosts {
  /** Milliseconds since 1970 of the last reading. */
  readonly loadedAt: number;
  close(): void;
}

/**
 * Reads the file and looks at it again and again (specification 13.3). A file that is gone leaves the inline lines, and
 * counts again once it is back. Only the time, size and number of the file are looked at: reading costs something where
 * nothing changed.
 */
export function openHosts(settings: HostsSettings, clock: Clock): WatchedHosts {
  const hosts = createHosts(settings);
  const { file, reloadMs } = settings;
  let mark = '';
  let loadedAt = clock.now();
  let cancel: () => void = () => undefined;
  const look = (): void => {
    const next = file === null ? '' : markOf(file);
    if (file !== null && next !== mark) {
      mark = next;
      loadedAt = clock.now();
      hosts.load(readText(file));
    }
    if (file !== null && reloadMs > 0) cancel = clock.after(reloadMs, look);
  };
  look();
  return {
    load: hosts.load,
    lookup: hosts.lookup,
    get lease() {
      return hosts.lease;
    },
    get entries() {
      return hosts.entries;
    },
    get loadedAt() {
      return loadedAt;
    },
    close: () => cancel(),
  };
}

/** Differs whenever the file does; empty without one. */
function markOf(path: string): string {
  try {
    const { mtimeNs, ctimeNs, size, ino } = statSync(path, { bigint: true });
    return `${mtimeNs} ${ctimeNs} ${size} ${ino}`;
  } catch {
    return '';
  }
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
