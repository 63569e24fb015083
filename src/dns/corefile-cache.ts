import type { BlockDraft, Draft } from './corefile-draft.ts';
import type { Token } from './corefile-lex.ts';
import { complain, hasArguments, readOptions, readTime, readWhole, readZoneList } from './corefile-scope.ts';
import type { OptionReader, Scope } from './corefile-scope.ts';
import type { Line } from './corefile-tree.ts';
import { rootName } from './name.ts';
import type { CacheClass, CacheSettings } from './settings.ts';
import { plainCache } from './settings-default.ts';

const mostTtl = 2 ** 31 - 1;
const hour = 3_600_000;

/** `cache [TTL] [ZONES...] { }`. */
export function readCache(scope: Scope, line: Line, draft: BlockDraft): void {
  const [directive, first, ...rest] = line.words;
  if (draft.block.cache !== null) complain(scope, directive, 'stands in one server block twice');
  const settings: Draft<CacheSettings> = { ...plainCache };
  const isTtl = first !== undefined && /^[-+\d.]+$/.test(first.text) && first.text !== '.';
  if (isTtl) {
    const ttl = readWhole(scope, first, 'the time to live', 1, mostTtl);
    if (ttl !== null) {
      settings.success = { ...settings.success, ttlCap: ttl };
      settings.denial = { ...settings.denial, ttlCap: ttl };
    }
  }
  settings.zones = readZoneList(scope, isTtl || first === undefined ? rest : [first, ...rest], []);
  readOptions(scope, line, optionReaders(scope, settings));
  draft.block.cache = settings;
}

function optionReaders(scope: Scope, settings: Draft<CacheSettings>): Readonly<Record<string, OptionReader>> {
  return {
    success: (args, option) => {
      settings.success = readClass(scope, args, option, settings.success);
    },
    denial: (args, option) => {
      settings.denial = readClass(scope, args, option, settings.denial);
    },
    servfail: (args, option) => {
      const [token] = args;
      if (!hasArguments(scope, option, args, 1, 1) || token === undefined) return;
      settings.servfailMs = readTime(scope, token, 'servfail', 0, 300_000) ?? settings.servfailMs;
    },
    disable: (args, option) => {
      const [which, ...zones] = args;
      if (!hasArguments(scope, option, args, 1, Infinity) || which === undefined) return;
      const names = readZoneList(scope, zones, settings.zones.length > 0 ? settings.zones : [rootName]);
      if (which.text === 'success') settings.disableSuccess = [...settings.disableSuccess, ...names];
      else if (which.text === 'denial') settings.disableDenial = [...settings.disableDenial, ...names];
      else complain(scope, which, `disable takes success or denial, not "${which.text}"`);
    },
    keepttl: (args, option) => {
      if (hasArguments(scope, option, args, 0, 0)) settings.keepTtl = true;
    },
    prefetch: (args, option) => {
      settings.prefetch = readPrefetch(scope, args, option);
    },
    serve_stale: (args, option) => {
      settings.serveStale = readServeStale(scope, args, option);
    },
  };
}

function readClass(scope: Scope, args: readonly Token[], option: Token, before: CacheClass): CacheClass {
  const [capacity, ttl, floor] = args;
  if (!hasArguments(scope, option, args, 1, 3) || capacity === undefined) return before;
  return {
    capacity: readWhole(scope, capacity, 'the number of entries', 1, 10_000_000) ?? before.capacity,
    ttlCap: ttl === undefined ? before.ttlCap : (readWhole(scope, ttl, 'the time to live', 1, mostTtl) ?? before.ttlCap),
    ttlFloor:
      floor === undefined ? before.ttlFloor : (readWhole(scope, floor, 'the least time to live', 0, mostTtl) ?? before.ttlFloor),
  };
}

function readPrefetch(scope: Scope, args: readonly Token[], option: Token): CacheSettings['prefetch'] {
  const [amount, interval, percentage] = args;
  if (!hasArguments(scope, option, args, 1, 3) || amount === undefined) return null;
  const share = percentage === undefined ? 10 : Number(/^(\d+)%$/.exec(percentage.text)?.[1] ?? 0);
  if (percentage !== undefined && (share < 10 || share > 90)) {
    complain(scope, percentage, `the percentage must be from 10% to 90%, not "${percentage.text}"`);
  }
  const times = readWhole(scope, amount, 'the number of requests', 0, mostTtl) ?? 0;
  const intervalMs = interval === undefined ? 60_000 : (readTime(scope, interval, 'the interval', 1, Infinity) ?? 60_000);
  return times === 0 ? null : { amount: times, intervalMs, percentage: share };
}

function readServeStale(scope: Scope, args: readonly Token[], option: Token): CacheSettings['serveStale'] {
  const [duration, mode] = args;
  if (!hasArguments(scope, option, args, 0, 2)) return null;
  const forMs = duration === undefined ? hour : (readTime(scope, duration, 'serve_stale', 0, Infinity) ?? hour);
  if (mode === undefined || mode.text === 'immediate') return { forMs, mode: 'immediate' };
  if (mode.text !== 'verify' && mode.text !== 'verified')
    complain(scope, mode, `serve_stale knows immediate and verify, not "${mode.text}"`);
  return { forMs, mode: 'verify' };
}
