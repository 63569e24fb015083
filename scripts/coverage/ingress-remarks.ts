import type { Remark } from './checklist.ts';

export const ingressRemarks: readonly Remark[] = [];
