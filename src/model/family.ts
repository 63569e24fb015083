/** The two IP families, named as in `EndpointSlice.addressType`. */
export type Family = 'IPv4' | 'IPv6';

export const families: readonly Family[] = ['IPv4', 'IPv6'];
