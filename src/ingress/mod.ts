/**
 * Ingress: publishing Services to clients outside of the cluster.
 */
export { openAnnounceKernel, watchInterfaces } from './driver-announce.ts';
export type { AnnounceKernelSettings } from './driver-announce.ts';
export { Announcer } from './announcer.ts';
export type { AnnouncerOptions, AnnounceNotice } from './announcer.ts';
export type { AnnounceKernel, AnnounceReport } from './announce-kernel.ts';
export type { AnnounceWish } from './announce-election.ts';
export type { AnnounceRow } from './announce-table.ts';
